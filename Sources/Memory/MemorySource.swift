/// Memory of another process, or a copy of it: bytes by address.
///
/// Everything that looks into a process (the unwinder, the symbol readers, the .NET inspector) sees
/// only this, so that tests can feed it bytes and a core file could stand in for a process.
public protocol MemorySource {
  /// Copies bytes from `address` on into `buffer`.
  ///
  /// - Returns: how many bytes from the start of the range could be read, 0 when none: a range that
  ///   runs into a hole is read up to the hole.
  func read(_ address: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int

  /// The piece around `address` of which the source has a copy, to be read without a call a word; nil where
  /// it has none.
  func window(at address: UInt64) -> MemoryWindow?
}

/// A copied piece of memory. It stays where it is for as long as its source lives.
public struct MemoryWindow {
  /// The address of the first byte.
  public let start: UInt64
  @usableFromInline let bytes: UnsafeRawBufferPointer

  public init(start: UInt64, bytes: UnsafeRawBufferPointer) {
    self.start = start
    self.bytes = bytes
  }

  /// The word at `address`, nil unless all of it lies in here.
  @inlinable
  public func word(at address: UInt64) -> UInt64? {
    let offset = address &- start
    let count = UInt64(bytes.count)
    guard count >= 8, offset <= count - 8 else { return nil }
    return bytes.loadUnaligned(fromByteOffset: Int(offset), as: UInt64.self)
  }
}

extension MemorySource {
  public func window(at address: UInt64) -> MemoryWindow? { nil }

  /// The bytes at `address`, or nil unless all `count` of them can be read.
  public func bytes(at address: UInt64, count: Int) -> [UInt8]? {
    let read = prefix(at: address, atMost: count)
    return read.count == count ? read : nil
  }

  /// At most `count` bytes from `address` on: fewer, or none, where memory ends.
  public func prefix(at address: UInt64, atMost count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      filled = read(address, into: UnsafeMutableRawBufferPointer(buffer))
    }
  }

  /// A trivial value at `address` (not necessarily aligned), or nil if it cannot be read whole.
  public func load<T: BitwiseCopyable>(_ type: T.Type, at address: UInt64) -> T? {
    withUnsafeTemporaryAllocation(
      byteCount: MemoryLayout<T>.size, alignment: MemoryLayout<T>.alignment
    ) { buffer in
      guard read(address, into: buffer) == MemoryLayout<T>.size else { return nil }
      return buffer.loadUnaligned(as: T.self)
    }
  }

  /// The zero-terminated text at `address`, read as UTF-8, or nil if it is unreadable or longer than
  /// `limit` bytes: a length in somebody else's memory is never trusted.
  public func text(at address: UInt64, limit: Int) -> String? {
    let bytes = prefix(at: address, atMost: limit)
    guard let end = bytes.firstIndex(of: 0) else { return nil }
    return String(decoding: bytes[..<end], as: UTF8.self)
  }
}
