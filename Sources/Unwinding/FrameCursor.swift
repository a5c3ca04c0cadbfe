/// Reads the fields of call frame information from bytes whose address is known, as far as they go.
struct FrameCursor {
  private let bytes: ArraySlice<UInt8>
  private var index: Int
  /// The address of the byte at index 0.
  private let origin: UInt64

  /// - Parameter address: that of the first byte.
  init(_ bytes: ArraySlice<UInt8>, at address: UInt64) {
    self.bytes = bytes
    index = bytes.startIndex
    origin = address &- UInt64(bytes.startIndex)
  }

  /// Of the next byte.
  var address: UInt64 { origin &+ UInt64(index) }

  mutating func integer<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) -> T? {
    guard bytes.endIndex - index >= MemoryLayout<T>.size else { return nil }
    defer { index += MemoryLayout<T>.size }
    let start = index - bytes.startIndex
    return bytes.withUnsafeBytes {
      T(littleEndian: $0.loadUnaligned(fromByteOffset: start, as: T.self))
    }
  }

  /// A word that comes in 4 or 8 bytes, as the entry's length does; the shorter one's sign is kept.
  mutating func offset(is64: Bool) -> UInt64? {
    is64
      ? integer(UInt64.self)
      : integer(Int32.self).map { UInt64(bitPattern: Int64($0)) }
  }

  /// Characters up to a zero, which is skipped.
  mutating func text() -> ArraySlice<UInt8>? {
    guard let end = bytes[index...].firstIndex(of: 0) else { return nil }
    defer { index = end + 1 }
    return bytes[index..<end]
  }

  /// A number of at most 64 bits (DWARF 5, 7.6).
  mutating func unsignedLEB128() -> UInt64? {
    var value: UInt64 = 0
    for shift in stride(from: 0 as UInt64, to: 64, by: 7) {
      guard let byte = integer(UInt8.self) else { return nil }
      value |= UInt64(byte & 0x7f) << shift
      if byte & 0x80 == 0 { return value }
    }
    return nil
  }

  /// An address in one of the forms that linkers write (LSB, DWARF Exception Header Encoding): absolute or
  /// relative to its own place, 2 to 8 bytes. Nil for others: libunwind takes them for something else.
  mutating func pointer(_ encoding: UInt8) -> UInt64? {
    let place = address
    let value: UInt64? =
      switch encoding & 0x0f {
      case 0x00, 0x04, 0x0c: integer(UInt64.self)
      case 0x02: integer(UInt16.self).map(UInt64.init)
      case 0x03: integer(UInt32.self).map(UInt64.init)
      case 0x0a: integer(Int16.self).map { UInt64(bitPattern: Int64($0)) }
      case 0x0b: integer(Int32.self).map { UInt64(bitPattern: Int64($0)) }
      default: nil
      }
    guard let value else { return nil }
    switch encoding & 0xf0 {
    case 0x00: return value
    // 0 is nowhere, wherever it stands.
    case 0x10: return value == 0 ? 0 : place &+ value
    default: return nil
    }
  }

  /// The bytes up to `end`, an address; nil if they are not all here.
  func bytes(upTo end: UInt64) -> [UInt8]? {
    guard end >= address, end - address <= UInt64(bytes.endIndex - index) else { return nil }
    return Array(bytes[index..<index + Int(end - address)])
  }
}
