import CDac
import Memory

/// The instance fields of one managed object, by name.
///
/// The DAC tells where a field lies and its token; the name is in the metadata of the module that declares
/// it.
struct ObjectFields {
  /// Classes that an object's class derives from, at most.
  private static let hierarchyLimit = 32
  private static let fieldLimit = 256

  let dac: Dac
  let object: UInt64

  /// The object that a field refers to; nil for null, and when there is no such field.
  func reference(_ name: String) -> UInt64? {
    guard let address = address(of: name),
      let value = dac.memory.load(UInt64.self, at: address), value != 0
    else { return nil }
    return value
  }

  func text(_ name: String) -> String? {
    reference(name).flatMap { dac.string(at: $0).text }
  }

  /// A string, or a boxed integer, as `ToString()` gives it; nil for anything else.
  func boxedText(_ name: String) -> String? {
    guard let value = reference(name), let type = dac.className(value) else { return nil }
    let at = value &+ 8
    switch type {
    case "System.String": return dac.string(at: value).text
    case "System.Int32": return dac.memory.load(Int32.self, at: at).map(String.init)
    case "System.UInt32": return dac.memory.load(UInt32.self, at: at).map(String.init)
    case "System.Int64": return dac.memory.load(Int64.self, at: at).map(String.init)
    case "System.UInt64": return dac.memory.load(UInt64.self, at: at).map(String.init)
    case "System.Int16": return dac.memory.load(Int16.self, at: at).map(String.init)
    case "System.UInt16": return dac.memory.load(UInt16.self, at: at).map(String.init)
    case "System.Byte": return dac.memory.load(UInt8.self, at: at).map(String.init)
    default: return nil
    }
  }

  /// True when the object's class is, or derives from, a class of this name.
  func isA(_ type: String) -> Bool {
    guard var table = dac.methodTable(object) else { return false }
    for _ in 0..<Self.hierarchyLimit where table != 0 {
      if dac.typeName(table) == type { return true }
      var data = inquest_dac_method_table()
      guard inquest_dac_get_method_table(dac.sos, table, &data) == 0 else { return false }
      table = data.parent
    }
    return false
  }

  private func address(of name: String) -> UInt64? {
    guard var table = dac.methodTable(object) else { return nil }
    for _ in 0..<Self.hierarchyLimit where table != 0 {
      var type = inquest_dac_method_table()
      guard inquest_dac_get_method_table(dac.sos, table, &type) == 0 else { return nil }
      if let offset = offset(of: name, in: table, module: type.module, parent: type.parent) {
        return object &+ 8 &+ UInt64(offset)
      }
      table = type.parent
    }
    return nil
  }

  /// Bytes from the object's first field.
  private func offset(of name: String, in table: UInt64, module: UInt64, parent: UInt64) -> UInt32?
  {
    var list = inquest_dac_field_list()
    guard inquest_dac_get_field_list(dac.sos, table, &list) == 0, let names = dac.names(module)
    else { return nil }
    // The count is that of the whole hierarchy; the list has this class's own only, statics included.
    var inherited = inquest_dac_field_list()
    if parent != 0 { _ = inquest_dac_get_field_list(dac.sos, parent, &inherited) }
    let own =
      max(0, Int(list.instance_fields) - Int(inherited.instance_fields))
      + Int(list.static_fields)
    var next = list.first
    for _ in 0..<min(own, Self.fieldLimit) where next != 0 {
      var field = inquest_dac_field()
      guard inquest_dac_get_field(dac.sos, next, &field) == 0 else { return nil }
      if field.is_static == 0, names(field.token) == name { return field.offset }
      next = field.next
    }
    return nil
  }
}

extension Dac {
  /// Bytes of one module's metadata that are believed.
  private static let metadataLimit: UInt64 = 256 << 20

  /// The names of a module's fields by their tokens; nil when its metadata cannot be read.
  func names(_ module: UInt64) -> ((UInt32) -> String?)? {
    metadata(ofModule: module).map { reader in { reader.field($0)?.name } }
  }

  /// - Parameter module: the address of a Module.
  func metadata(ofModule module: UInt64) -> MetadataReader? {
    if let known = metadata[module] { return known }
    var data = inquest_dac_module()
    guard inquest_dac_get_module(sos, module, &data) == 0, data.metadata != 0,
      data.metadata_size <= Self.metadataLimit,
      let reader = try? MetadataReader(
        memory: memory, at: data.metadata, size: Int(data.metadata_size))
    else { return nil }
    metadata[module] = reader
    return reader
  }
}
