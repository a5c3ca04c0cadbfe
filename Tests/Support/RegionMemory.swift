public import Memory

/// Memory made of a few regions of bytes: everything else is a hole.
public struct RegionMemory: MemorySource {
  public var regions: [(start: UInt64, bytes: [UInt8])] = []

  public init(_ regions: (UInt64, [UInt8])...) {
    self.regions = regions.map { ($0.0, $0.1) }
  }

  public func read(_ address: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    for (start, bytes) in regions {
      guard address >= start, address - start < UInt64(bytes.count) else { continue }
      let offset = Int(address - start)
      let count = min(buffer.count, bytes.count - offset)
      buffer.copyBytes(from: bytes[offset..<offset + count])
      return count
    }
    return 0
  }
}

/// A value's bytes, least significant first.
public func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian) { Array($0) }
}
