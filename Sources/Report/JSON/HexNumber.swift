/// A number that the report writes as a `"0x…"` string: an address, a register, a token, an offset.
///
/// JSON numbers lose bits above 2^53 in many readers, so anything that is not a count is a string.
public struct HexNumber: Hashable, Comparable, Sendable {
  public var value: UInt64

  public init(_ value: UInt64) {
    self.value = value
  }

  public static func < (left: HexNumber, right: HexNumber) -> Bool {
    left.value < right.value
  }
}

extension HexNumber: CustomStringConvertible {
  /// Lower case, with the `0x` prefix and no leading zeros.
  public var description: String {
    "0x" + String(value, radix: 16)
  }

  /// With leading zeros, at least `count` digits.
  public func digits(_ count: Int) -> String {
    let digits = String(value, radix: 16)
    return "0x" + String(repeating: "0", count: max(0, count - digits.count)) + digits
  }
}

extension HexNumber: ExpressibleByIntegerLiteral {
  public init(integerLiteral value: UInt64) {
    self.value = value
  }
}

extension HexNumber: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard text.hasPrefix("0x"), let value = UInt64(text.dropFirst(2), radix: 16) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "expected a 0x… number, found \"\(text.prefix(40))\"")
    }
    self.value = value
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
