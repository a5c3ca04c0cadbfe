/// An exception's HRESULT: `"0x80131509"`, always eight digits.
public struct HResult: Hashable, Sendable {
  public var value: UInt32

  public init(_ value: UInt32) {
    self.value = value
  }
}

extension HResult: CustomStringConvertible {
  public var description: String {
    let digits = String(value, radix: 16)
    return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
  }
}

extension HResult: ExpressibleByIntegerLiteral {
  public init(integerLiteral value: UInt32) {
    self.value = value
  }
}

extension HResult: Codable {
  public init(from decoder: any Decoder) throws {
    let number = try HexNumber(from: decoder)
    guard let value = UInt32(exactly: number.value) else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "\(number) is no HRESULT"))
    }
    self.value = value
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
