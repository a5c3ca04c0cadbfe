import Memory
import Report

extension MapRecord {
  init(_ mapping: Mapping, fault: UInt64?) {
    self.init(
      start: HexNumber(mapping.start), end: HexNumber(mapping.end),
      permissions: mapping.permissions, offset: HexNumber(mapping.offset),
      path: mapping.path.isEmpty ? nil : mapping.path,
      fault: fault.map(mapping.contains) == true ? true : nil)
  }
}
