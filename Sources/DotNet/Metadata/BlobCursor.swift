/// Reads the compressed integers of a blob one after the other (ECMA-335 II.23.2). Nil at its end, and
/// where a number has no valid form; a cursor that said nil once says it for ever.
struct BlobCursor {
  private let bytes: [UInt8]
  private(set) var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var isAtEnd: Bool { position >= bytes.count }

  mutating func byte() -> UInt8? {
    guard position < bytes.count else { return nil }
    defer { position += 1 }
    return bytes[position]
  }

  /// 0 to 2²⁹ − 1, in one, two or four bytes.
  mutating func unsigned() -> UInt32? { compressed()?.value }

  /// −2²⁸ to 2²⁸ − 1: the sign is the lowest bit, and extends from where the form ends.
  mutating func signed() -> Int? {
    guard let (value, bits) = compressed() else { return nil }
    let magnitude = Int(value >> 1)
    return value & 1 == 0 ? magnitude : magnitude - (1 << (bits - 1))
  }

  private mutating func compressed() -> (value: UInt32, bits: Int)? {
    guard let first = byte() else { return nil }
    let (more, bits) =
      switch (~first).leadingZeroBitCount {
      case 0: (0, 7)
      case 1: (1, 14)
      case 2: (3, 29)
      default: (-1, 0)
      }
    guard more >= 0, more <= bytes.count - position else {
      position = bytes.count
      return nil
    }
    var value = UInt32(first) & (more == 0 ? 0x7f : more == 1 ? 0x3f : 0x1f)
    for _ in 0..<more { value = value << 8 | UInt32(byte() ?? 0) }
    return (value, bits)
  }
}
