internal import CElfutils
internal import Glibc
public import Memory

/// Opens the file behind an image: returns a descriptor that the caller of the closure then owns,
/// or nil.
///
/// It knows where the target's files are: its mount namespace, and those deleted since. It is also
/// asked for files beside an image (a debuglink's target), with an `Image` that has nothing but a
/// path, `base` and `end` 0.
public typealias ImageOpener = (Image) -> CInt?

/// Gets the file that has the debug information of a build from elsewhere: returns a descriptor that the
/// caller of the closure then owns, or nil. It is asked for what no usual place has, may take its time, and
/// need not be believed.
public typealias DebugFileFetcher = (_ buildID: [UInt8]) -> CInt?

/// Names the functions that addresses lie in.
///
/// Sources, in this order, each asked only for the addresses that none before it knew: the file's
/// .symtab, or else its .dynsym; its .gnu_debugdata; its separate debug file. Not read: a dynamic
/// symbol table that only the program headers lead to (all section headers stripped).
public struct Symbolizer {
  private let open: ImageOpener
  let debugFiles: DebugFiles
  private let memory: (any MemorySource)?

  /// In bytes; the vDSO is a page or two.
  private static let vdsoLimit: UInt64 = 65_536

  /// - Parameters:
  ///   - open: finds the images' files.
  ///   - debugRoot: where separate debug files are installed.
  ///   - memory: the target's memory, for the vDSO, which is no file.
  ///   - fetch: asked for debug files that are not there; nobody is without it.
  public init(
    open: @escaping ImageOpener, debugRoot: String = "/usr/lib/debug",
    memory: (any MemorySource)? = nil, fetch: DebugFileFetcher? = nil
  ) {
    self.open = open
    debugFiles = DebugFiles(root: debugRoot, open: open, fetch: fetch)
    self.memory = memory
  }

  /// Whether a file, whose `descriptor` is closed, is an ELF file of this build.
  public static func isFile(_ descriptor: CInt, ofBuild buildID: [UInt8]) -> Bool {
    DebugFiles.accept(descriptor, buildID: buildID) != nil
  }

  /// Resolves every address once: all addresses of an image in one pass over its symbols.
  ///
  /// - Parameters:
  ///   - addresses: in the target's memory. For a frame that will be returned to, an address inside
  ///     its call instruction, not the return address: a call may be a function's last instruction.
  ///   - images: what lies where; addresses outside, and in images that are not ELF, stay nameless.
  ///   - isPastDeadline: asked now and then; once true, the rest stays nameless.
  public func resolve(
    _ addresses: some Sequence<UInt64>, in images: ImageTable, isPastDeadline: () -> Bool
  ) -> SymbolResult {
    var wanted: [Int: [UInt64]] = [:]
    for address in Set(addresses) {
      guard let index = images.index(containing: address) else { continue }
      wanted[index, default: []].append(address)
    }

    var result = SymbolResult()
    var found: [(address: UInt64, name: String, start: UInt64)] = []
    for (index, addresses) in wanted.sorted(by: { $0.key < $1.key }) {
      let image = images.images[index]
      guard image.kind == .elf || image.kind == .vdso else { continue }
      var search = ImageSearch(addresses: addresses.map { $0 &- image.loadBias })
      var problem: ImageProblem?
      do throws(ImageProblem) {
        try look(for: &search, in: image, isPastDeadline: isPastDeadline)
      } catch {
        problem = error
      }
      if let problem { result.problems.append((index, problem)) }
      for (address, function) in search.answers {
        found.append((address &+ image.loadBias, function.name, function.start &+ image.loadBias))
      }
    }

    let names = Dictionary(grouping: found, by: \.name).keys.sorted()
    let readable = Dictionary(
      uniqueKeysWithValues: zip(names, SymbolNaming.name(names, isPastDeadline: isPastDeadline)))
    for (address, name, start) in found {
      guard let (readable, raw) = readable[name] else { continue }
      result.symbols[address] = Symbol(name: readable, rawName: raw, address: start)
    }
    return result
  }

  /// Asks an image's sources in turn.
  private func look(
    for search: inout ImageSearch, in image: Image, isPastDeadline: () -> Bool
  ) throws(ImageProblem) {
    if isPastDeadline() { throw .pastDeadline }
    var problem: ImageProblem?
    var buildID = image.buildID
    var link: DebugLink?
    do throws(ImageProblem) {
      let file = try openImage(image)
      buildID = buildID ?? file.buildID
      link = DebugLink(of: file)
      try search.look(in: file, isPastDeadline: isPastDeadline)
    } catch .pastDeadline {
      throw .pastDeadline
    } catch {
      problem = error
    }
    if search.isDone { return }
    if image.kind != .vdso,
      let file = debugFiles.find(
        for: image, buildID: buildID, link: link,
        isOfUse: { $0.section(type: SHT_SYMTAB) != nil }, isPastDeadline: isPastDeadline)
    {
      // It has all the functions: whatever was wrong with the binary cost no name.
      try search.look(in: file, isPastDeadline: isPastDeadline)
      return
    }
    if let problem { throw problem }
    if !search.sawTable { throw .noSymbols }
  }

  /// The image's own file, certain to be the one that runs.
  func openImage(_ image: Image) throws(ImageProblem) -> ElfFile {
    let bytes: ElfBytes
    if image.kind == .vdso {
      bytes = try copyOfVDSO(image)
    } else {
      guard let descriptor = open(image) else { throw .fileUnavailable }
      bytes = try ElfBytes(descriptor: descriptor)
    }
    let file = try ElfFile(bytes)
    // Field bug 28: an upgrade replaced the file while its old code still ran, and every name was
    // plausible and wrong.
    if let buildID = image.buildID {
      guard file.buildID == buildID else { throw .replacedOnDisk }
    } else if !image.segments.isEmpty {
      // No build-id to be had from memory: then at least everything must have the same place.
      let loaded = image.segments.filter { $0.type == ElfSegment.load }
      guard file.segments.filter({ $0.type == ElfSegment.load }) == loaded else {
        throw .replacedOnDisk
      }
    }
    return file
  }

  private func copyOfVDSO(_ image: Image) throws(ImageProblem) -> ElfBytes {
    guard let memory else { throw .fileUnavailable }
    let size = min(image.end &- image.base, Symbolizer.vdsoLimit)
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(size), alignment: 16)
    guard memory.read(image.base, into: copy) == copy.count else {
      copy.deallocate()
      throw .fileUnavailable
    }
    return ElfBytes(memory: copy)
  }
}

/// The addresses of one image and what is known about them so far, in the file's terms.
private struct ImageSearch {
  private(set) var answers: [UInt64: SymbolSearch.Found] = [:]
  private var open: [UInt64]
  /// True once a symbol table was found, whatever was in it.
  private(set) var sawTable = false

  init(addresses: [UInt64]) {
    open = addresses.sorted()
  }

  /// True when no other source could know better.
  var isDone: Bool { open.isEmpty }

  mutating func look(
    in file: borrowing ElfFile, isPastDeadline: () -> Bool
  ) throws(ImageProblem) {
    if let table = file.section(type: SHT_SYMTAB) {
      return try look(in: table, of: file, isComplete: true, isPastDeadline)
    }
    if let table = file.section(type: SHT_DYNSYM) {
      try look(in: table, of: file, isComplete: false, isPastDeadline)
    }
    guard !isDone, let section = file.section(named: MiniDebugInfo.sectionName) else { return }
    let inner = try MiniDebugInfo.unpack(section, of: file)
    if let table = inner.section(type: SHT_SYMTAB) {
      try look(in: table, of: inner, isComplete: false, isPastDeadline)
    }
  }

  private mutating func look(
    in table: ElfFile.Section, of file: borrowing ElfFile, isComplete: Bool,
    _ isPastDeadline: () -> Bool
  ) throws(ImageProblem) {
    sawTable = true
    let new = try SymbolSearch.run(
      open, in: table, of: file, isComplete: isComplete, isPastDeadline: isPastDeadline)
    answers.merge(new.lastResorts) { earlier, _ in earlier }
    answers.merge(new.functions) { _, better in better }
    open.removeAll { new.functions[$0] != nil }
    if new.isDamaged, !isDone { throw .unreadable("damaged symbol table") }
  }
}

/// What a raw name becomes in the report.
enum SymbolNaming {
  /// For each of `raws`, the name to show and the raw one if it differs.
  static func name(
    _ raws: [String], isPastDeadline: () -> Bool
  ) -> [(name: String, raw: String?)] {
    // The linker writes `pthread_create@@GLIBC_2.34` into .symtab: the version is not the name.
    let plain = raws.map { raw in
      raw.firstIndex(of: "@").flatMap { $0 > raw.startIndex ? String(raw[..<$0]) : nil } ?? raw
    }
    let demangled = Demangler.demangle(plain, isPastDeadline: isPastDeadline)
    return raws.indices.map { index in
      let raw = raws[index]
      let bounded =
        raw.utf8.count > SymbolName.rawLimit
        ? Demangler.cut(raw.utf8, to: SymbolName.rawLimit) : raw
      var name = demangled[index] ?? plain[index]
      if name.utf8.count > SymbolName.limit {
        name = Demangler.cut(name.utf8, to: SymbolName.limit)
      }
      return (name, name == bounded ? nil : bounded)
    }
  }
}
