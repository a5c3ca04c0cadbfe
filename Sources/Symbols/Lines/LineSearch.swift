internal import CElfutils
import Glibc
import Memory

/// Finds the source lines and the inlined calls of a set of addresses in one file's DWARF.
///
/// Every unit's root entry is looked at once, for its address ranges: .debug_aranges would be a little
/// faster, but clang writes none and nobody says whether it is complete. Then each unit that holds an
/// address has its line table decoded and its tree walked once, for all of them.
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
    /// Chromium has some 50,000.
    static let units = 1_000_000
    /// Ranges of one entry.
    static let ranges = 1_000_000
    /// Entries walked in one file.
    static let entries = 200_000_000
    /// Levels of the tree, and so of inlined calls.
    static let depth = 200
    /// Of one unit's line table, in bytes: libdw makes up to 100 times as much of it.
    static let lineTable: UInt64 = 16 << 20
    /// Of a path, in bytes.
    static let path = 4096
  }

  private let dwarf: OpaquePointer
  private var names = DwarfNames()
  private(set) var found: [UInt64: Found] = [:]
  /// What cost a line, in a few words; nil if nothing did.
  private(set) var damage: String?
  private(set) var isPastDeadline = false
  private var entriesLeft = Limit.entries

  /// - Parameter addresses: as the file has them, ascending and without repetition.
  static func run(
    _ addresses: [UInt64], in file: borrowing DwarfFile, isPastDeadline: () -> Bool
  ) -> LineSearch {
    var search = LineSearch(dwarf: file.dwarf)
    for (unit, inside) in search.units(of: addresses, isPastDeadline) {
      if isPastDeadline() {
        search.isPastDeadline = true
        break
      }
      search.look(for: inside, in: unit, of: file, isPastDeadline)
    }
    return search
  }

  private init(dwarf: OpaquePointer) {
    self.dwarf = dwarf
  }

  // MARK: Units

  /// The units that hold any of `addresses`, and which of them each one holds.
  private mutating func units(
    of addresses: [UInt64], _ isPastDeadline: () -> Bool
  ) -> [(root: Dwarf_Die, addresses: [UInt64])] {
    var units: [(root: Dwarf_Die, addresses: [UInt64])] = []
    var open = addresses
    var unit: OpaquePointer?
    var count = 0
    while !open.isEmpty {
      var next: OpaquePointer?
      var root = Dwarf_Die()
      var type: UInt8 = 0
      // Without a place for a split unit: libdw would open whatever file the unit names.
      let status = dwarf_get_units(dwarf, unit, &next, nil, &type, &root, nil)
      guard status == 0, let next else {
        if status < 0 { damage = "damaged" }
        break
      }
      unit = next
      count += 1
      if count % 256 == 0, isPastDeadline() {
        self.isPastDeadline = true
        break
      }
      guard count < Limit.units else {
        damage = "more than \(Limit.units) units"
        break
      }
      guard CInt(type) == DW_UT_compile || CInt(type) == DW_UT_skeleton else { continue }
      let inside = DwarfRanges.addresses(open, in: &root)
      guard !inside.isEmpty else { continue }
      units.append((root, inside))
      // No code belongs to two, unless a linker has folded equal functions.
      open.removeAll(where: inside.contains)
    }
    return units
  }

  private mutating func look(
    for addresses: [UInt64], in root: Dwarf_Die, of file: borrowing DwarfFile,
    _ isPastDeadline: () -> Bool
  ) {
    var root = root
    let hasLines = decodeLines(&root, file)
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

  /// Makes libdw decode a unit's line table; false where there is none, or one that is too large.
  private mutating func decodeLines(_ root: inout Dwarf_Die, _ file: borrowing DwarfFile) -> Bool {
    var attribute = Dwarf_Attribute()
    var offset: Dwarf_Word = 0
    guard dwarf_attr(&root, UInt32(DW_AT_stmt_list), &attribute) != nil,
      dwarf_formudata(&attribute, &offset) == 0
    else { return false }
    guard let size = file.lineTableSize(at: offset) else {
      damage = "damaged"
      return false
    }
    guard size <= Limit.lineTable else {
      damage = "a line table of \(size >> 20) MB"
      return false
    }
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
