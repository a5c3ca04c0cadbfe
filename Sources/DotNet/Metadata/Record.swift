internal import Memory

/// A few bytes with numbers in them, least significant byte first; nil wherever they end.
struct Record {
  let bytes: [UInt8]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// At most `count` bytes of `memory`.
  init(_ memory: any MemorySource, at address: UInt64, count: Int) {
    bytes = memory.prefix(at: address, atMost: count)
  }

  func u8(_ offset: Int) -> UInt8? {
    offset >= 0 && offset < bytes.count ? bytes[offset] : nil
  }

  func u16(_ offset: Int) -> UInt16? { integer(offset) }
  func u32(_ offset: Int) -> UInt32? { integer(offset) }
  func u64(_ offset: Int) -> UInt64? { integer(offset) }

  /// The zero-terminated text at `offset`; nil if it has no end.
  func text(_ offset: Int) -> String? {
    guard offset >= 0, offset < bytes.count, let end = bytes[offset...].firstIndex(of: 0) else {
      return nil
    }
    return String(decoding: bytes[offset..<end], as: UTF8.self)
  }

  private func integer<T: FixedWidthInteger & BitwiseCopyable>(_ offset: Int) -> T? {
    let size = MemoryLayout<T>.size
    guard offset >= 0, offset <= bytes.count, size <= bytes.count - offset else { return nil }
    return bytes.withUnsafeBytes {
      T(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: T.self))
    }
  }
}
