/// A method's name as the runtime spells it, taken apart.
///
/// `Shop.Basket`1+Drawer`1[[System.__Canon, System.Private.CoreLib],[System.Int32, …]].Open[[…]](Int32)`:
/// types nested with `+`, each with the number of its own type parameters; all their arguments after the
/// last; the method; its arguments; its parameters. A backslash takes a character's meaning from it.
struct RawName: Equatable {
  struct TypeName: Equatable {
    /// With the namespace, if it is the outermost.
    var name: String
    /// How many type parameters it adds to those of the types around it.
    var arity = 0
  }

  var types: [TypeName] = []
  /// Inside of the outer brackets; empty if there are none.
  var typeArguments: ArraySlice<UInt8> = []
  var method = ""
  var methodArguments: ArraySlice<UInt8> = []

  private static let typeLimit = 32

  /// Nil for what is no such name.
  init?(_ raw: String) {
    let bytes = Array(raw.utf8)
    var end = bytes.count
    if bytes.last == UInt8(ascii: ")") {
      guard let start = bytes[..<end].startOfGroup("(", ")") else { return nil }
      end = start
    }
    if end > 0, bytes[end - 1] == UInt8(ascii: "]") {
      guard let start = bytes[..<end].startOfGroup("[", "]") else { return nil }
      methodArguments = bytes[start + 1..<end - 1]
      end = start
    }
    guard end > 0, split(bytes[..<end]) else { return nil }
  }

  /// Takes types and method apart: what separates them depends on what stands before.
  private mutating func split(_ bytes: ArraySlice<UInt8>) -> Bool {
    var name: [UInt8] = []
    var angles = 0
    // In `name`: where the last dot outside of angles is.
    var lastDot: Int?
    var lastTick = -8
    var at = bytes.startIndex
    while at < bytes.endIndex {
      let byte = bytes[at]
      at += 1
      switch byte {
      case UInt8(ascii: "\\"):
        guard at < bytes.endIndex else { return false }
        name.append(bytes[at])
        at += 1
        continue
      case UInt8(ascii: "<"): angles += 1
      case UInt8(ascii: ">"):
        angles -= 1
        if angles < 0 { return false }
      case _ where angles > 0: break
      case UInt8(ascii: "("), UInt8(ascii: ")"): return false
      case UInt8(ascii: "+"):
        guard append(&name) else { return false }
        lastDot = nil
        continue
      case UInt8(ascii: "["):
        guard let close = bytes[(at - 1)...].endOfGroup("[", "]"), append(&name) else {
          return false
        }
        typeArguments = bytes[at..<close]
        guard close + 1 < bytes.endIndex, bytes[close + 1] == UInt8(ascii: ".") else {
          return false
        }
        return setMethod(bytes[(close + 2)...])
      case UInt8(ascii: "."):
        // A nested type has no namespace, and nothing follows a number of type parameters.
        if !types.isEmpty || name.count - lastTick <= 4 && Self.splitArity(name).arity > 0 {
          guard append(&name) else { return false }
          return setMethod(bytes[at...])
        }
        lastDot = name.count
      case UInt8(ascii: "`"): lastTick = name.count
      default: break
      }
      name.append(byte)
    }
    guard angles == 0, types.isEmpty else { return false }
    guard var dot = lastDot else { return setMethod(name[...]) }
    let start = dot
    // `.ctor`: the dot belongs to it.
    if dot > 0, name[dot - 1] == UInt8(ascii: ".") { dot -= 1 }
    var type = Array(name[..<dot])
    return append(&type) && setMethod(name[(dot < start ? start : start + 1)...])
  }

  /// Takes `name` for a type's.
  private mutating func append(_ name: inout [UInt8]) -> Bool {
    guard !name.isEmpty, types.count < Self.typeLimit else { return false }
    let (plain, arity) = Self.splitArity(name)
    types.append(TypeName(name: String(decoding: plain, as: UTF8.self), arity: arity))
    name = []
    return true
  }

  private mutating func setMethod(_ name: ArraySlice<UInt8>) -> Bool {
    method = String(decoding: name, as: UTF8.self)
    return !name.isEmpty
  }

  /// ``List`1`` is `List` and 1.
  static func splitArity(_ name: [UInt8]) -> (name: ArraySlice<UInt8>, arity: Int) {
    guard let tick = name.lastIndex(of: UInt8(ascii: "`")), tick > 0 else { return (name[...], 0) }
    let digits = name[(tick + 1)...]
    guard (1...3).contains(digits.count), let arity = Int(String(decoding: digits, as: UTF8.self)),
      arity >= 0
    else { return (name[...], 0) }
    return (name[..<tick], arity)
  }
}

extension ArraySlice<UInt8> {
  /// Where the group that the slice ends with starts: at its opening character.
  func startOfGroup(_ open: Unicode.Scalar, _ close: Unicode.Scalar) -> Int? {
    var depth = 0
    for index in indices.reversed() {
      if self[index] == UInt8(ascii: close) { depth += 1 }
      if self[index] == UInt8(ascii: open) { depth -= 1 }
      if depth == 0 { return index }
    }
    return nil
  }

  /// Where the group that the slice starts with ends: at its closing character.
  func endOfGroup(_ open: Unicode.Scalar, _ close: Unicode.Scalar) -> Int? {
    var depth = 0
    for index in indices {
      if self[index] == UInt8(ascii: open) { depth += 1 }
      if self[index] == UInt8(ascii: close) { depth -= 1 }
      if depth == 0 { return index }
    }
    return nil
  }

  /// The parts between commas that are in no brackets.
  func splitAtCommas() -> [ArraySlice<UInt8>] {
    var parts: [ArraySlice<UInt8>] = []
    var depth = 0
    var start = startIndex
    for index in indices {
      switch self[index] {
      case UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "]"): depth -= 1
      case UInt8(ascii: ",") where depth == 0:
        parts.append(self[start..<index])
        start = index + 1
      default: break
      }
    }
    if start < endIndex { parts.append(self[start...]) }
    return parts
  }
}
