public import Memory

/// An assembly's metadata (ECMA-335 II.22 and II.24), or a portable PDB's, where it lies in memory.
///
/// Only its head is read at once, rows and names when asked for: CoreLib's has 4 MB, in another process.
/// All of it may be hostile or torn: what cannot be is nil, and lists have limits.
public struct MetadataReader {
  let memory: any MemorySource
  let root: MetadataRoot
  let tables: MetadataTables

  /// Of a name, in bytes. Compilers stop at 1023.
  static let nameLimit = 1024
  /// Types around a type; type parameters of a type or a method.
  private static let nestingLimit = 16
  private static let typeParameterLimit = 64
  private static let parameterLimit = 256
  private static let interfaceLimit = 64
  private static let fieldLimit = 4096

  /// - Parameters:
  ///   - memory: the process's, or a file's.
  ///   - address: where the metadata starts, with `BSJB`.
  ///   - size: in bytes.
  public init(memory: any MemorySource, at address: UInt64, size: Int) throws(MetadataError) {
    self.memory = memory
    root = try MetadataRoot(memory, at: address, size: size)
    tables = try MetadataTables(memory, root)
  }

  /// - Parameter token: `0x06` and the row.
  public func method(_ token: UInt32) -> MethodFacts? {
    guard let row = row(token, .methodDef), let name = string(.methodDef, row, 3),
      let owner = owner(of: row, column: 5)
    else { return nil }
    return MethodFacts(
      token: token, name: name, types: enclosing(owner),
      typeParameters: typeParameters(.methodDef, row), parameters: parameters(row))
  }

  /// - Parameter token: `0x02` and the row.
  public func type(_ token: UInt32) -> TypeFacts? {
    guard let row = row(token, .typeDef), let name = string(.typeDef, row, 1),
      let namespace = string(.typeDef, row, 2)
    else { return nil }
    return TypeFacts(
      token: token, namespace: namespace, name: name, typeParameters: typeParameters(.typeDef, row))
  }

  /// The full names of the interfaces that a type declares, other than generic ones.
  public func interfaces(ofType token: UInt32) -> [String] {
    guard let row = row(token, .typeDef),
      let first = tables.rows(of: .interfaceImpl, below: row, in: 0)
    else { return [] }
    var names: [String] = []
    var entry = first + 1
    while tables.value(.interfaceImpl, entry, 0) == row, entry - first <= Self.interfaceLimit {
      if let value = tables.value(.interfaceImpl, entry, 1), let name = typeName(value) {
        names.append(name)
      }
      entry += 1
    }
    return names
  }

  /// The fields that a type declares.
  public func fields(ofType token: UInt32) -> [FieldFacts] {
    guard let row = row(token, .typeDef) else { return [] }
    return rows(.typeDef, row, 4, of: .field, limit: Self.fieldLimit).compactMap {
      field(0x0400_0000 | $0)
    }
  }

  /// - Parameter token: `0x04` and the row.
  public func field(_ token: UInt32) -> FieldFacts? {
    guard let row = row(token, .field), let flags = tables.value(.field, row, 0),
      let name = string(.field, row, 1)
    else { return nil }
    return FieldFacts(token: token, name: name, isStatic: flags & 0x10 != 0)
  }

  /// The assembly's simple name; nil for other modules.
  public var assemblyName: String? { string(.assembly, 1, 7) }

  /// The 16 bytes that tell this build of the module from others.
  public var mvid: [UInt8]? {
    guard let index = tables.value(.module, 1, 2), index >= 1 else { return nil }
    let offset = UInt64(index - 1) * 16
    guard offset <= root.guids.size, 16 <= root.guids.size - offset else { return nil }
    return memory.bytes(at: root.guids.address + offset, count: 16)
  }

  // MARK: Rows

  private func row(_ token: UInt32, _ table: Table) -> UInt32? {
    let row = token & 0xff_ffff
    return token >> 24 == UInt32(table.rawValue) && row >= 1 && row <= tables.count(table)
      ? row : nil
  }

  /// The type whose list in `column` (of fields, of methods) has `row` in it: the last that begins at it
  /// or before.
  private func owner(of row: UInt32, column: Int) -> UInt32? {
    guard let count = tables.rows(of: .typeDef, below: row + 1, in: column), count >= 1,
      let start = tables.value(.typeDef, count, column), start >= 1, start <= row
    else { return nil }
    return count
  }

  /// The rows of `table` that belong to `owner`: from what its column says to what the next one's says.
  private func rows(
    _ ownerTable: Table, _ owner: UInt32, _ column: Int, of table: Table, limit: Int
  ) -> Range<UInt32> {
    let all = tables.count(table) + 1
    guard let start = tables.value(ownerTable, owner, column), start >= 1, start < all else {
      return 0..<0
    }
    let end = min(tables.value(ownerTable, owner + 1, column) ?? all, all)
    return start..<max(start, min(end, start + UInt32(limit)))
  }

  /// A type and those around it, outermost first.
  private func enclosing(_ row: UInt32) -> [TypeFacts] {
    var types: [TypeFacts] = []
    var current = row
    while types.count < Self.nestingLimit, let facts = type(0x0200_0000 | current) {
      types.append(facts)
      guard let below = tables.rows(of: .nestedClass, below: current, in: 0),
        tables.value(.nestedClass, below + 1, 0) == current,
        let outer = tables.value(.nestedClass, below + 1, 1)
      else { break }
      current = outer
    }
    return types.reversed()
  }

  private func typeParameters(_ table: Table, _ row: UInt32) -> [String] {
    guard let owner = tables.code(table, row, .typeOrMethodDef),
      let first = tables.rows(of: .genericParam, below: owner, in: 2)
    else { return [] }
    var names: [String] = []
    var entry = first + 1
    while tables.value(.genericParam, entry, 2) == owner, names.count < Self.typeParameterLimit,
      let name = string(.genericParam, entry, 3)
    {
      names.append(name)
      entry += 1
    }
    return names
  }

  private func parameters(_ method: UInt32) -> [String] {
    var names: [String] = []
    for row in rows(.methodDef, method, 5, of: .param, limit: Self.parameterLimit) {
      // 0 is what it returns.
      guard let position = tables.value(.param, row, 1), position >= 1,
        position <= Self.parameterLimit, let name = string(.param, row, 2)
      else { continue }
      while names.count < position { names.append("") }
      names[Int(position) - 1] = name
    }
    return names
  }

  /// The full name of what a TypeDefOrRef points to, other than a TypeSpec.
  private func typeName(_ value: UInt32) -> String? {
    guard let (table, row) = tables.target(value, .typeDefOrRef), table != .typeSpec,
      let name = string(table, row, 1), let namespace = string(table, row, 2)
    else { return nil }
    return namespace.isEmpty ? name : namespace + "." + name
  }

  // MARK: Heaps

  /// The text that a column points to; nil when it is longer than `nameLimit`, or not there.
  func string(_ table: Table, _ row: UInt32, _ column: Int) -> String? {
    guard let offset = tables.value(table, row, column) else { return nil }
    if offset == 0 { return "" }
    guard UInt64(offset) < root.strings.size else { return nil }
    let room = Int(root.strings.size - UInt64(offset))
    let address = root.strings.address + UInt64(offset)
    // Most are short, and each costs a system call.
    return memory.text(at: address, limit: min(room, 64))
      ?? memory.text(at: address, limit: min(room, Self.nameLimit + 1))
  }

  /// The blob at `offset`; nil when it is longer than `limit` bytes, or runs out of its heap.
  func blob(_ offset: UInt32, limit: Int) -> [UInt8]? {
    guard UInt64(offset) < root.blobs.size else { return nil }
    let room = root.blobs.size - UInt64(offset)
    var head = BlobCursor(
      memory.prefix(at: root.blobs.address + UInt64(offset), atMost: Int(min(room, 4))))
    guard let length = head.unsigned(), length <= limit,
      UInt64(length) <= room - UInt64(head.position)
    else { return nil }
    return memory.bytes(
      at: root.blobs.address + UInt64(offset) + UInt64(head.position), count: Int(length))
  }
}
