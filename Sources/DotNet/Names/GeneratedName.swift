/// What a C# compiler made of something that has no name of its own in metadata.
///
/// Roslyn writes `<Main>b__0_1` (GeneratedNames.cs), mcs `<Main>m__0` (anonymous.cs, iterators.cs): in
/// angles the method in which the developer wrote it, then what it is.
enum GeneratedName: Equatable {
  /// The class of lambdas and of what they capture; mcs says of which method.
  case closure(of: String?)
  /// A method that is called piece by piece.
  case stateMachine(of: String, kind: StateMachineKind?)
  case lambda(of: String?)
  case localFunction(String, of: String)
  /// The entry point that is made of statements outside of a class or of an asynchronous one, and the
  /// methods of records: `<Main>$`, `<Main>`, `<Clone>$`.
  case wrapped(String)
  /// A type that only its file sees: named by the file and a hash, too.
  case fileLocal(String)

  private static let depthLimit = 8

  /// Nil for names that people wrote, and for what reads best as it is.
  init?(_ name: String) {
    let bytes = Array(name.utf8)
    guard bytes.first == UInt8(ascii: "<"), let close = bytes[...].endOfGroup("<", ">") else {
      return nil
    }
    let origin = String(decoding: bytes[1..<close], as: UTF8.self)
    let isNamed = !origin.isEmpty
    let rest = String(decoding: bytes[(close + 1)...], as: UTF8.self)

    /// What follows `prefix` is a number, in decimal or hexadecimal, perhaps with `_` in it.
    func numbered(_ prefix: String) -> Bool {
      rest.hasPrefix(prefix)
        && rest.utf8.dropFirst(prefix.utf8.count).allSatisfy { $0 == 0x5f || Self.isHex($0) }
    }
    if rest.isEmpty || rest == "$" {
      guard isNamed else { return nil }
      self = .wrapped(origin)
    } else if numbered("b__") || numbered("m__") {
      self = .lambda(of: isNamed ? origin : nil)
    } else if rest.hasPrefix("g__"), isNamed, let bar = rest.lastIndex(of: "|") {
      let name = rest[rest.index(rest.startIndex, offsetBy: 3)..<bar]
      guard !name.isEmpty else { return nil }
      self = .localFunction(String(name), of: origin)
    } else if rest == "d" || numbered("d__"), isNamed {
      self = .stateMachine(of: origin, kind: nil)
    } else if numbered("c__async"), isNamed {
      self = .stateMachine(of: origin, kind: .asynchronous)
    } else if numbered("c__Iterator"), isNamed {
      self = .stateMachine(of: origin, kind: .iterator)
    } else if numbered("c__AnonStorey"), isNamed {
      self = .closure(of: origin)
    } else if !isNamed, rest == "c" || numbered("c__DisplayClass") || numbered("c__") {
      self = .closure(of: nil)
    } else if isNamed, rest.hasPrefix("F"), let name = Self.afterHash(rest) {
      self = .fileLocal(name)
    } else {
      return nil
    }
  }

  /// `F`, a hash in hexadecimal, two underscores, the name.
  private static func afterHash(_ rest: String) -> String? {
    let hash = rest.utf8.dropFirst().prefix(while: isHex)
    let tail = rest.utf8[hash.endIndex...]
    guard !hash.isEmpty, tail.starts(with: "__".utf8), tail.count > 2 else { return nil }
    return String(tail.dropFirst(2))
  }

  private static func isHex(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
  }

  /// A method's name as a developer says it: `Main+lambda` for what is made of a lambda in Main.
  static func spoken(_ method: String, depth: Int = 0) -> String {
    guard depth < depthLimit, let generated = GeneratedName(method) else { return method }
    switch generated {
    case .lambda(let origin?): return spoken(origin, depth: depth + 1) + "+lambda"
    case .localFunction(let name, let origin):
      return spoken(origin, depth: depth + 1) + "+" + name
    case .wrapped(let origin): return spoken(origin, depth: depth + 1)
    default: return method
    }
  }
}

/// Which kind of method a compiler cut into pieces.
public enum StateMachineKind: Sendable, Equatable {
  /// Goes on when what it awaits is done.
  case asynchronous
  /// Goes on when the next element is asked for.
  case iterator
}
