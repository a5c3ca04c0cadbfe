internal import CElfutils
import Glibc
public import Memory

extension Symbolizer {
  /// Says where in the sources addresses lie, and which inlined calls are going on there.
  ///
  /// Sources are DWARF in the image's own file, else in its separate debug file, together with what dwz
  /// has moved out of that. Not read: split DWARF's .dwo files, of which only the lines are in the
  /// program itself.
  ///
  /// - Parameters:
  ///   - addresses: as for ``resolve(_:in:isPastDeadline:)``.
  ///   - images: what lies where.
  ///   - share: calls its second argument for parts of as many items as its first says, at once if it can.
  ///   - isPastDeadline: asked now and then, by any of the threads that `share` has; once true, the rest
  ///     stays without lines. libdw cannot be interrupted while it decodes one line table.
  public func lines(
    of addresses: some Sequence<UInt64>, in images: ImageTable,
    share: (Int, (Range<Int>) -> Void) -> Void = { $1(0..<$0) }, isPastDeadline: () -> Bool
  ) -> LineResult {
    var wanted: [Int: [UInt64]] = [:]
    for address in Set(addresses) {
      guard let index = images.index(containing: address) else { continue }
      wanted[index, default: []].append(address)
    }
    var result = LineResult()
    var found: [(address: UInt64, bias: UInt64, LineSearch.Found)] = []
    for (index, addresses) in wanted.sorted(by: { $0.key < $1.key }) {
      let image = images.images[index]
      guard image.kind == .elf || image.kind == .vdso else { continue }
      do throws(ImageProblem) {
        if isPastDeadline() { throw .pastDeadline }
        guard let file = try findDwarf(of: image, isPastDeadline) else {
          result.bare.append(index)
          continue
        }
        let wanted = addresses.map { $0 &- image.loadBias }.sorted()
        try search(file, for: wanted, share, isPastDeadline) { address, what in
          found.append((address &+ image.loadBias, image.loadBias, what))
        }
      } catch {
        result.problems.append((index, error))
      }
    }
    name(found, into: &result, isPastDeadline)
    return result
  }

  /// The file that has an image's debug information; nil if there is none.
  private func findDwarf(
    of image: Image, _ isPastDeadline: () -> Bool
  ) throws(ImageProblem) -> ElfFile? {
    var buildID = image.buildID
    var link: DebugLink?
    // A file that cannot be read was told of when its functions were named.
    if let file = try? openImage(image) {
      if DwarfFile.isIn(file) { return file }
      buildID = buildID ?? file.buildID
      link = DebugLink(of: file)
    }
    guard image.kind != .vdso else { return nil }
    return debugFiles.find(
      for: image, buildID: buildID, link: link, isOfUse: { DwarfFile.isIn($0) },
      isPastDeadline: isPastDeadline)
  }

  /// Throws what cost a line last, after it has told what it has `found`.
  private func search(
    _ file: consuming ElfFile, for addresses: [UInt64],
    _ share: (Int, (Range<Int>) -> Void) -> Void, _ isPastDeadline: () -> Bool,
    found: (UInt64, LineSearch.Found) -> Void
  ) throws(ImageProblem) {
    var dwarf = try DwarfFile(file)
    var supplement: DwarfFile?
    if let (name, buildID) = dwarf.supplementLink {
      // Never without: libdw would look for it by itself, wherever the file says.
      guard let other = debugFiles.findSupplement(name: name, buildID: buildID) else {
        throw .unreadable("its debug information needs \(name), which is not installed")
      }
      let opened = try DwarfFile(other)
      dwarf.use(opened)
      supplement = consume opened
    }
    let units = UnitSearch(addresses, in: dwarf, isPastDeadline)
    let searches = try LineBatch.run(units.units, in: dwarf, share: share, isPastDeadline)
    _ = consume supplement
    for search in searches {
      for (address, what) in search.found { found(address, what) }
    }
    if units.isPastDeadline || searches.contains(where: \.isPastDeadline) { throw .pastDeadline }
    if let damage = units.damage ?? searches.lazy.compactMap(\.damage).first {
      throw .unreadable("its debug information: \(damage)")
    }
  }

  /// Demangles every name once.
  private func name(
    _ found: [(address: UInt64, bias: UInt64, LineSearch.Found)], into result: inout LineResult,
    _ isPastDeadline: () -> Bool
  ) {
    let all = Set(found.flatMap { $0.2.calls.compactMap(\.name) })
    let raws = all.map { name in
      switch name {
      case .mangled(let text), .written(let text): text
      }
    }
    let names = Dictionary(
      uniqueKeysWithValues: zip(all, SymbolNaming.name(raws, isPastDeadline: isPastDeadline)))
    for (address, bias, what) in found {
      guard let function = what.calls.last else { continue }
      let inlined = what.calls.dropLast().map { call in
        let name = call.name.flatMap { names[$0] }
        return InlinedCall(function: name?.name, rawFunction: name?.raw, place: call.place)
      }
      var place = CodePlace(inlined: inlined, place: function.place)
      if let entry = what.entry, let name = function.name.flatMap({ names[$0] }) {
        place.function = Symbol(name: name.name, rawName: name.raw, address: entry &+ bias)
      }
      result.places[address] = place
    }
  }
}
