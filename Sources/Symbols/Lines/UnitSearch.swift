internal import CElfutils
import Glibc

/// Finds the units of one file's DWARF that hold any of a set of addresses.
///
/// Every unit's root entry is looked at once, for its address ranges: .debug_aranges would be a little
/// faster, but clang writes none and nobody says whether it is complete.
struct UnitSearch {
  struct Unit {
    /// Of its root entry, in .debug_info.
    var offset: UInt64
    /// Ascending.
    var addresses: [UInt64]
    /// The size of its line table in bytes; 0 if it has none, or one that is too large.
    var lineTable: UInt64
  }

  private(set) var units: [Unit] = []
  /// What cost a line, in a few words; nil if nothing did.
  private(set) var damage: String?
  private(set) var isPastDeadline = false

  /// Chromium has some 50,000.
  private static let limit = 1_000_000

  /// - Parameter addresses: as the file has them, ascending and without repetition.
  init(_ addresses: [UInt64], in file: borrowing DwarfFile, _ isPastDeadline: () -> Bool) {
    var open = addresses
    var unit: OpaquePointer?
    var count = 0
    while !open.isEmpty {
      var next: OpaquePointer?
      var root = Dwarf_Die()
      var type: UInt8 = 0
      // Without a place for a split unit: libdw would open whatever file the unit names.
      let status = dwarf_get_units(file.dwarf, unit, &next, nil, &type, &root, nil)
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
      guard count < UnitSearch.limit else {
        damage = "more than \(UnitSearch.limit) units"
        break
      }
      guard CInt(type) == DW_UT_compile || CInt(type) == DW_UT_skeleton else { continue }
      let inside = DwarfRanges.addresses(open, in: &root)
      guard !inside.isEmpty else { continue }
      units.append(
        Unit(
          offset: dwarf_dieoffset(&root), addresses: inside, lineTable: lineTable(of: &root, file)))
      // No code belongs to two, unless a linker has folded equal functions.
      open.removeAll(where: inside.contains)
    }
  }

  private mutating func lineTable(of root: inout Dwarf_Die, _ file: borrowing DwarfFile) -> UInt64 {
    var attribute = Dwarf_Attribute()
    var offset: Dwarf_Word = 0
    guard dwarf_attr(&root, UInt32(DW_AT_stmt_list), &attribute) != nil,
      dwarf_formudata(&attribute, &offset) == 0
    else { return 0 }
    guard let size = file.lineTableSize(at: offset) else {
      damage = "damaged"
      return 0
    }
    guard size <= LineSearch.Limit.lineTable else {
      damage = "a line table of \(size >> 20) MB"
      return 0
    }
    return size
  }
}
