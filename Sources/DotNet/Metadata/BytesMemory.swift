internal import Memory

/// A file's bytes, from address 0 on.
struct BytesMemory: MemorySource {
  let bytes: [UInt8]

  func read(_ address: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    guard address < bytes.count else { return 0 }
    let offset = Int(address)
    let count = min(buffer.count, bytes.count - offset)
    buffer.copyBytes(from: bytes[offset..<offset + count])
    return count
  }
}
