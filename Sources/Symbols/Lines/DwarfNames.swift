internal import CElfutils
import Glibc

/// A function's name as DWARF has it.
enum DwarfName: Hashable {
  /// What linkers call it.
  case mangled(String)
  /// As it was written, with the namespaces and types around it.
  case written(String)
}

/// Names functions by their debug information entries, each once.
struct DwarfNames {
  private var known: [UnsafeMutableRawPointer: DwarfName?] = [:]
  private var tree = EntryParents()

  /// A function may say what it is in another entry, and that one in a third.
  private static let referenceLimit = 16

  /// The name of a function, or of the one that an inlined call calls; nil if it has none.
  mutating func name(of entry: inout Dwarf_Die, _ isPastDeadline: () -> Bool) -> DwarfName? {
    // What was inlined in a hundred places is one function. Not its declaration: all destructors of a
    // class have the same one.
    guard let key = DwarfNames.follow([DW_AT_abstract_origin], from: entry).addr else { return nil }
    if let known = known[key] { return known }
    let name = find(&entry, isPastDeadline)
    known[key] = .some(name)
    return name
  }

  private mutating func find(
    _ entry: inout Dwarf_Die, _ isPastDeadline: () -> Bool
  ) -> DwarfName? {
    for name in [DW_AT_linkage_name, DW_AT_MIPS_linkage_name] {
      var attribute = Dwarf_Attribute()
      if dwarf_attr_integrate(&entry, UInt32(name), &attribute) != nil,
        let text = DwarfNames.text(dwarf_formstring(&attribute))
      {
        return .mangled(text)
      }
    }
    guard let own = DwarfNames.text(dwarf_diename(&entry)) else { return nil }
    let around = isPastDeadline() ? [] : scopes(around: entry, isPastDeadline)
    return .written((around + [own]).joined(separator: "::"))
  }

  /// The entry that an entry refers to by any of `attributes`, and so on; itself where it has none.
  private static func follow(_ attributes: [Int], from entry: Dwarf_Die) -> Dwarf_Die {
    var current = entry
    for _ in 0..<referenceLimit {
      var attribute = Dwarf_Attribute()
      var next = Dwarf_Die()
      guard
        attributes.contains(where: { dwarf_attr(&current, UInt32($0), &attribute) != nil }),
        dwarf_formref_die(&attribute, &next) != nil
      else { break }
      current = next
    }
    return current
  }

  /// The namespaces, types and functions that a function lies in where it was first declared, outermost first.
  ///
  /// - Parameter depth: of functions that lie in functions.
  private mutating func scopes(
    around function: Dwarf_Die, depth: Int = 0, _ isPastDeadline: () -> Bool
  ) -> [String] {
    var declaration = DwarfNames.follow(
      [DW_AT_abstract_origin, DW_AT_specification], from: function)
    var unit = Dwarf_Die()
    guard depth < DwarfNames.referenceLimit, dwarf_diecu(&declaration, &unit, nil, nil) != nil,
      DwarfNames.hasScopes(dwarf_srclang(&unit))
    else { return [] }
    var names: [String] = []
    for var scope in tree.parents(of: &declaration, isPastDeadline).reversed() {
      let name = DwarfNames.text(dwarf_diename(&scope))
      switch dwarf_tag(&scope) {
      case CInt(DW_TAG_namespace):
        names.append(name ?? "(anonymous namespace)")
      case CInt(DW_TAG_structure_type), CInt(DW_TAG_class_type), CInt(DW_TAG_union_type),
        CInt(DW_TAG_enumeration_type), CInt(DW_TAG_interface_type), CInt(DW_TAG_module):
        names.append(name ?? "(anonymous)")
      case CInt(DW_TAG_subprogram):
        names.append(name ?? "?")
        // Its body lies in the unit, and only its declaration in its namespace.
        return scopes(around: scope, depth: depth + 1, isPastDeadline) + names.reversed()
      default:
        continue
      }
    }
    return names.reversed()
  }

  private static func hasScopes(_ language: CInt) -> Bool {
    switch Int(language) {
    case DW_LANG_C89, DW_LANG_C, DW_LANG_C99, DW_LANG_C11, DW_LANG_Go, DW_LANG_Mips_Assembler: false
    default: true
    }
  }

  /// One byte more than `SymbolName.rawLimit` tells that there was more.
  private static func text(_ name: UnsafePointer<CChar>?) -> String? {
    guard let name, name.pointee != 0 else { return nil }
    let bytes = UnsafeRawBufferPointer(
      start: name, count: strnlen(name, SymbolName.rawLimit + 1))
    return String(decoding: bytes, as: UTF8.self)
  }
}
