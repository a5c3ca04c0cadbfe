internal import CElfutils
import Glibc

/// An ELF file opened for its DWARF, and what must be released with it.
///
/// This is the one place where a file is mapped: of gigabytes of debug information a few pages are
/// needed, and libelf can only map a section or load all of it. A file that is truncated meanwhile is a
/// SIGBUS, so only large ones are mapped, and only in a stage that a report can do without.
struct DwarfFile: ~Copyable {
  private let file: ElfFile
  private let elf: OpaquePointer
  private let handle: DwarfHandle
  /// What dwz has moved out of it, if anything: libdw's handle on that.
  private(set) var supplement: OpaquePointer?

  /// In bytes; a file larger than this is mapped. See docs/ARCHITECTURE.md for what was measured.
  private static let loadLimit: UInt64 = 32 << 20

  /// True if `file` has debug information, packed or not.
  static func isIn(_ file: borrowing ElfFile) -> Bool {
    file.sections.contains {
      ($0.name == ".debug_info" || $0.name == ".zdebug_info") && $0.type != UInt32(SHT_NOBITS)
    }
  }

  init(_ file: consuming ElfFile) throws(ImageProblem) {
    let file =
      if let unpacked = try UnpackedFile.make(of: file) { unpacked } else { file }
    guard let elf = file.bytes.begin(isMapped: file.bytes.count > DwarfFile.loadLimit) else {
      throw .unreadable("libelf cannot open it")
    }
    do throws(ImageProblem) {
      handle = try DwarfHandle(elf)
    } catch {
      elf_end(elf)
      throw error
    }
    self.file = file
    self.elf = elf
  }

  deinit {
    elf_end(elf)
  }

  /// libdw's handle.
  var dwarf: OpaquePointer { handle.dwarf }

  /// Another handle of libdw's, which must not outlive this one. Not while others are in use: libelf is not
  /// made for several threads.
  func another() throws(ImageProblem) -> DwarfHandle {
    let other = try DwarfHandle(elf)
    if let supplement { dwarf_setalt(other.dwarf, supplement) }
    return other
  }

  /// The file's name and build-id of what dwz has moved to another file; nil where nothing was.
  var supplementLink: (name: String, buildID: [UInt8])? {
    var name: UnsafePointer<CChar>?
    var identifier: UnsafeRawPointer?
    let length = dwelf_dwarf_gnu_debugaltlink(dwarf, &name, &identifier)
    guard length > 0, let name, let identifier else { return nil }
    return (
      String(cString: name), Array(UnsafeRawBufferPointer(start: identifier, count: length))
    )
  }

  /// Lets libdw look into `supplement`, which must outlive the last look-up.
  mutating func use(_ supplement: borrowing DwarfFile) {
    self.supplement = supplement.dwarf
    dwarf_setalt(dwarf, supplement.dwarf)
  }

  /// How many bytes the line table at `offset` of .debug_line takes; nil if it does not lie in there.
  func lineTableSize(at offset: UInt64) -> UInt64? {
    let index = file.sections.firstIndex { $0.name == ".debug_line" }
    // Sections are numbered from 1.
    guard let index, let section = elf_getscn(elf, index + 1),
      let data = elf_getdata(section, nil), let base = data.pointee.d_buf
    else { return nil }
    let bytes = UnsafeRawBufferPointer(start: base, count: data.pointee.d_size)
    guard offset < UInt64(bytes.count), bytes.count - Int(offset) >= 12 else { return nil }
    let short = bytes.loadUnaligned(fromByteOffset: Int(offset), as: UInt32.self)
    guard short == .max else { return UInt64(short) }
    return bytes.loadUnaligned(fromByteOffset: Int(offset) + 4, as: UInt64.self)
  }
}

/// One of libdw's handles on a file, with all that libdw has decoded through it: nothing of that is given
/// back earlier. A handle is for one thread.
struct DwarfHandle: ~Copyable {
  let dwarf: OpaquePointer

  fileprivate init(_ elf: OpaquePointer) throws(ImageProblem) {
    guard let dwarf = dwarf_begin_elf(elf, DWARF_C_READ, nil) else {
      let message = dwarf_errmsg(-1).map { String(cString: $0) }
      throw .unreadable("its debug information: " + (message ?? "unknown"))
    }
    self.dwarf = dwarf
  }

  deinit {
    dwarf_end(dwarf)
  }
}
