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

  /// A function may say what it is in another entry, and that one in a third.
  private static let referenceLimit = 16

  /// The name of a function, or of the one that an inlined call calls; nil if it has none.
  mutating func name(of entry: inout Dwarf_Die, _ isPastDeadline: () -> Bool) -> DwarfName? {
    // What was inlined in a hundred places is one function. Not its declaration: all destructors of a
    // class have the same one.
    guard let key = DwarfNames.follow([DW_AT_abstract_origin], from: entry).addr else { return nil }
    if let known = known[key] { return known }
    let name = DwarfNames.find(&entry, isPastDeadline)
    known[key] = .some(name)
    return name
  }

  private static func find(_ entry: inout Dwarf_Die, _ isPastDeadline: () -> Bool) -> DwarfName? {
    for name in [DW_AT_linkage_name, DW_AT_MIPS_linkage_name] {
      var attribute = Dwarf_Attribute()
      if dwarf_attr_integrate(&entry, UInt32(name), &attribute) != nil,
        let text = text(dwarf_formstring(&attribute))
      {
        return .mangled(text)
      }
    }
    guard let own = text(dwarf_diename(&entry)) else { return nil }
    // It lies where it was first declared.
    var declaration = follow([DW_AT_abstract_origin, DW_AT_specification], from: entry)
    let around = isPastDeadline() ? [] : scopes(around: &declaration)
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

  /// The namespaces, types and functions that an entry lies in, outermost first.
  ///
  /// - Parameter depth: of functions that lie in functions.
  private static func scopes(around entry: inout Dwarf_Die, depth: Int = 0) -> [String] {
    // libdw finds them by walking the unit: not for languages that have none.
    var unit = Dwarf_Die()
    guard depth < referenceLimit, dwarf_diecu(&entry, &unit, nil, nil) != nil,
      hasScopes(dwarf_srclang(&unit))
    else { return [] }
    var scopes: UnsafeMutablePointer<Dwarf_Die>?
    let count = dwarf_getscopes_die(&entry, &scopes)
    guard count > 0, let scopes else { return [] }
    defer { free(scopes) }
    // The entry itself comes first, the unit last.
    var names: [String] = []
    for index in 1..<max(1, min(Int(count), LineSearch.Limit.depth)) {
      let name = text(dwarf_diename(&scopes[index]))
      switch dwarf_tag(&scopes[index]) {
      case CInt(DW_TAG_namespace):
        names.append(name ?? "(anonymous namespace)")
      case CInt(DW_TAG_structure_type), CInt(DW_TAG_class_type), CInt(DW_TAG_union_type),
        CInt(DW_TAG_enumeration_type), CInt(DW_TAG_interface_type), CInt(DW_TAG_module):
        names.append(name ?? "(anonymous)")
      case CInt(DW_TAG_subprogram):
        names.append(name ?? "?")
        // Its body lies in the unit, and only its declaration in its namespace.
        var declaration = follow([DW_AT_abstract_origin, DW_AT_specification], from: scopes[index])
        return Self.scopes(around: &declaration, depth: depth + 1) + names.reversed()
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
