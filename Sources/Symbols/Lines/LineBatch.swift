internal import CElfutils

/// Some units' share of a search, with a handle of libdw's for them alone.
///
/// What libdw has decoded goes with its handle: 10 times the size of the line tables, most of it. And
/// batches can be looked at by several threads at once.
struct LineBatch: ~Copyable {
  private var handle: DwarfHandle?
  private let units: ArraySlice<UnitSearch.Unit>
  private var search = LineSearch()

  /// Of line tables, in bytes.
  private static let size: UInt64 = 1 << 20

  private init(_ handle: consuming DwarfHandle, _ units: ArraySlice<UnitSearch.Unit>) {
    self.handle = consume handle
    self.units = units
  }

  private mutating func run(_ isPastDeadline: () -> Bool) {
    guard let dwarf = handle?.dwarf else { return }
    search.look(in: units, of: dwarf, isPastDeadline)
    handle = nil
  }

  /// - Parameter share: calls its second argument for parts of as many items as its first says, at once if
  ///   it can.
  /// - Returns: a search for each batch.
  static func run(
    _ units: [UnitSearch.Unit], in file: borrowing DwarfFile,
    share: (Int, (Range<Int>) -> Void) -> Void, _ isPastDeadline: () -> Bool
  ) throws(ImageProblem) -> [LineSearch] {
    let parts = split(units)
    let batches = UnsafeMutableBufferPointer<LineBatch>.allocate(capacity: parts.count)
    var opened = 0
    defer {
      batches.extracting(0..<opened).deinitialize()
      batches.deallocate()
    }
    for part in parts {
      batches.initializeElement(at: opened, to: LineBatch(try file.another(), part))
      opened += 1
    }
    // The threads would share the handle on the supplement.
    let isShared = file.supplement == nil
    withoutActuallyEscaping(isPastDeadline) { isPastDeadline in
      let run = { (part: Range<Int>) in
        for index in part { batches[index].run(isPastDeadline) }
      }
      if isShared { share(opened, run) } else { run(0..<opened) }
    }
    return (0..<opened).map { batches[$0].search }
  }

  private static func split(_ units: [UnitSearch.Unit]) -> [ArraySlice<UnitSearch.Unit>] {
    var parts: [ArraySlice<UnitSearch.Unit>] = []
    var start = 0
    var size: UInt64 = 0
    for (index, unit) in units.enumerated() {
      size += unit.lineTable
      guard size >= LineBatch.size || index == units.count - 1 else { continue }
      parts.append(units[start...index])
      start = index + 1
      size = 0
    }
    return parts
  }
}
