internal import CElfutils
import Glibc
import Memory

/// Finds the source lines and the inlined calls of a set of addresses in some units of one file's DWARF.
///
/// Each unit has its line table decoded and its tree walked once, for all of its addresses.
struct LineSearch {
  /// What was found for one address, names as the file spells them.
  struct Found {
    struct Call {
      var name: DwarfName?
      var place: SourcePlace?
    }
    /// Innermost first; the last one is the function itself, if that is known.
    var calls: [Call]
    /// Where one enters the function, as the file has it.
    var entry: UInt64?
  }

  enum Limit {
    /// Ranges of one entry.
    static let ranges = 1_000_000
    /// Entries walked in one search.
    static let entries = 200_000_000
    /// Levels of the tree, and so of inlined calls.
    static let depth = 200
    /// Of one unit's line table, in bytes: libdw makes up to 100 times as much of it.
    static let lineTable: UInt64 = 16 << 20
    /// Of a path, in bytes.
    static let path = 4096
  }

  private var names = DwarfNames()
  private(set) var found: [UInt64: Found] = [:]
  /// What cost a line, in a few words; nil if nothing did.
  private(set) var damage: String?
  private(set) var isPastDeadline = false
  private var entriesLeft = Limit.entries

  /// - Parameter dwarf: where the units were found, or another handle on the same file.
  mutating func look(
    in units: some Sequence<UnitSearch.Unit>, of dwarf: OpaquePointer, _ isPastDeadline: () -> Bool
  ) {
    for unit in units {
      if isPastDeadline() { self.isPastDeadline = true }
      if self.isPastDeadline { return }
      var root = Dwarf_Die()
      guard dwarf_offdie(dwarf, unit.offset, &root) != nil else {
        damage = "damaged"
        continue
      }
      look(for: unit.addresses, in: &root, lines: unit.lineTable > 0, isPastDeadline)
    }
  }

  private mutating func look(
    for addresses: [UInt64], in root: inout Dwarf_Die, lines: Bool, _ isPastDeadline: () -> Bool
  ) {
    let hasLines = lines && decodeLines(&root)
    var walk = EntryWalk(entriesLeft: entriesLeft)
    walk.run(root, addresses, isPastDeadline)
    entriesLeft = walk.entriesLeft
    if walk.isPastDeadline { self.isPastDeadline = true }
    if entriesLeft <= 0 { damage = "more than \(Limit.entries) entries" }
    for address in addresses {
      let line = hasLines ? place(of: address, in: &root) : nil
      let calls = walk.calls[address] ?? []
      guard line != nil || !calls.isEmpty else { continue }
      found[address] = assemble(calls, at: line, in: &root, isPastDeadline)
    }
  }

  /// - Parameter calls: the entries around an address, the function first, then inlined calls inwards.
  private mutating func assemble(
    _ calls: [Dwarf_Die], at line: SourcePlace?, in root: inout Dwarf_Die,
    _ isPastDeadline: () -> Bool
  ) -> Found {
    var found = Found(calls: [], entry: nil)
    var place = line
    for var call in calls.reversed() {
      found.calls.append(
        Found.Call(name: names.name(of: &call, isPastDeadline), place: place))
      place = callSite(of: &call, in: &root)
    }
    if var function = calls.first {
      found.entry = DwarfRanges.entry(of: &function)
    } else {
      found.calls = [Found.Call(name: nil, place: line)]
    }
    return found
  }

  // MARK: Lines

  /// Makes libdw decode a unit's line table; false if it cannot, or nothing is in it.
  private mutating func decodeLines(_ root: inout Dwarf_Die) -> Bool {
    var lines: OpaquePointer?
    var count = 0
    guard dwarf_getsrclines(&root, &lines, &count) == 0 else {
      damage = "damaged"
      return false
    }
    return count > 0
  }

  private func place(of address: UInt64, in root: inout Dwarf_Die) -> SourcePlace? {
    guard let row = dwarf_getsrc_die(&root, address) else { return nil }
    var line: CInt = 0
    var column: CInt = 0
    guard dwarf_lineno(row, &line) == 0 else { return nil }
    _ = dwarf_linecol(row, &column)
    return SourcePlace(dwarf_linesrc(row, nil, nil), line: Int(line), column: Int(column))
  }

  /// Where an inlined call was written.
  private func callSite(of call: inout Dwarf_Die, in root: inout Dwarf_Die) -> SourcePlace? {
    func number(_ name: CInt) -> Int? {
      var attribute = Dwarf_Attribute()
      var value: Dwarf_Word = 0
      guard dwarf_attr(&call, UInt32(name), &attribute) != nil,
        dwarf_formudata(&attribute, &value) == 0
      else { return nil }
      return Int(exactly: value)
    }
    guard let line = number(CInt(DW_AT_call_line)), let index = number(CInt(DW_AT_call_file))
    else { return nil }
    var files: OpaquePointer?
    var count = 0
    guard dwarf_getsrcfiles(&root, &files, &count) == 0, index >= 0, index < count else {
      return nil
    }
    return SourcePlace(
      dwarf_filesrc(files, index, nil, nil), line: line,
      column: number(CInt(DW_AT_call_column)) ?? 0)
  }
}

extension SourcePlace {
  /// - Parameters:
  ///   - path: libdw's, with the directory of compilation in front of what is relative.
  ///   - line: 0 for code that the compiler has made up, which is no place.
  ///   - column: 0 where it is unknown.
  fileprivate init?(_ path: UnsafePointer<CChar>?, line: Int, column: Int) {
    guard let path, line > 0, strnlen(path, LineSearch.Limit.path) < LineSearch.Limit.path else {
      return nil
    }
    let file = SourcePlace.shortened(String(cString: path))
    // libdw's word for file 0, which no file had before DWARF 5.
    guard !file.isEmpty, file != "???" else { return nil }
    self.init(file: file, line: line, column: column > 0 ? column : nil)
  }

  /// Without `.` and `directory/..`, as gdb shows it: clang's path of a C++ header has four of these.
  private static func shortened(_ path: String) -> String {
    guard path.hasPrefix("/"), path.utf8.contains(part: "/.".utf8) else { return path }
    var parts: [Substring] = []
    for part in path.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }
}
