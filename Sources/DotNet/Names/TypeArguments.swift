/// Type arguments as C# writes them: `[[System.Int32, System.Private.CoreLib]]` is `int`.
enum TypeArguments {
  /// Lists in lists.
  private static let depthLimit = 8
  private static let countLimit = 64

  /// The arguments of a list, without its outer brackets; nil for those that the runtime does not know:
  /// code that is shared by all classes has `System.__Canon`.
  static func names(_ list: ArraySlice<UInt8>, depth: Int = 0) -> [String?] {
    list.splitAtCommas().prefix(countLimit).map { part in
      var part = part
      // With the assembly in brackets of its own, or alone.
      if part.first == UInt8(ascii: "["), part.last == UInt8(ascii: "]"), part.count > 2 {
        part = part.dropFirst().dropLast().splitAtCommas().first ?? []
      }
      return name(part, depth: depth)
    }
  }

  /// `<int, …>`; empty for no arguments, `<…>` if none of them is known.
  static func text(_ names: [String?]) -> String {
    if names.isEmpty { return "" }
    if names.allSatisfy({ $0 == nil }) { return "<…>" }
    return "<" + names.map { $0 ?? "…" }.joined(separator: ", ") + ">"
  }

  /// A type without its namespace, its arguments where C# has them; nil if it is not known.
  static func name(_ type: ArraySlice<UInt8>, depth: Int = 0) -> String? {
    guard depth < depthLimit else { return nil }
    // The name goes up to its arguments, or to what makes an array, a pointer or a reference of it.
    let marks: [UInt8] = [UInt8(ascii: "["), UInt8(ascii: "*"), UInt8(ascii: "&")]
    let head = type.prefix { !marks.contains($0) }
    var rest = type[head.endIndex...]
    if head.isEmpty || head.elementsEqual("System.__Canon".utf8) { return nil }
    var arguments: [String?]?
    if rest.count > 2, rest.first == UInt8(ascii: "["),
      ![0x5d, 0x2c, 0x2a].contains(rest[rest.startIndex + 1]),
      let close = rest.endOfGroup("[", "]")
    {
      arguments = names(rest[(rest.startIndex + 1)..<close], depth: depth + 1)
      rest = rest[(close + 1)...]
    }
    let text = String(decoding: head, as: UTF8.self)
    let suffix = String(decoding: rest, as: UTF8.self)
    if let alias = aliases[text] { return alias + suffix }
    let parts = head.split(separator: UInt8(ascii: "+"))
    let types = parts.enumerated().map { index, part -> RawName.TypeName in
      var part = part
      if index == 0, let dot = part.lastIndex(of: UInt8(ascii: ".")) { part = part[(dot + 1)...] }
      let (name, arity) = RawName.splitArity(Array(part))
      return RawName.TypeName(name: String(decoding: name, as: UTF8.self), arity: arity)
    }
    return share(arguments ?? [], among: types).joined(separator: ".") + suffix
  }

  /// The types with their arguments: each takes as many from the list as it has parameters.
  static func share(_ arguments: [String?], among types: [RawName.TypeName]) -> [String] {
    let isWhole = arguments.count == types.reduce(0) { $0 + $1.arity }
    var next = 0
    return types.map { type in
      guard type.arity > 0 else { return type.name }
      defer { next += type.arity }
      return type.name + (isWhole ? text(Array(arguments[next..<next + type.arity])) : "<…>")
    }
  }

  private static let aliases: [String: String] = [
    "System.Boolean": "bool", "System.Byte": "byte", "System.SByte": "sbyte", "System.Char": "char",
    "System.Decimal": "decimal", "System.Double": "double", "System.Single": "float",
    "System.Int16": "short", "System.UInt16": "ushort", "System.Int32": "int",
    "System.UInt32": "uint", "System.Int64": "long", "System.UInt64": "ulong",
    "System.IntPtr": "nint", "System.UIntPtr": "nuint", "System.Object": "object",
    "System.String": "string", "System.Void": "void",
  ]
}
