internal import Memory

/// A PDB inside its assembly: `MPDB`, its size, then deflate without a header.
enum EmbeddedPDB {
  /// Of what comes out, in bytes. CoreLib's PDB has 6 MB.
  static let limit = 64 << 20

  /// - Parameter block: of the debug directory, in `memory`.
  static func bytes(
    _ block: DebugDirectory.Block, in memory: any MemorySource
  ) throws(PDBError) -> [UInt8] {
    let head = Record(memory, at: block.address, count: 8)
    guard block.size > 8, head.u32(0) == 0x4244_504d, let size = head.u32(4) else {
      throw .damaged("an embedded PDB without its signature")
    }
    guard size <= limit, block.size <= limit else { throw .tooLarge(limit: limit) }
    guard let packed = memory.bytes(at: block.address &+ 8, count: block.size - 8) else {
      throw .damaged("an embedded PDB that cannot be read whole")
    }
    do {
      let bytes = try Inflate.raw(packed, limit: Int(size))
      guard bytes.count == size else { throw Inflate.Failure.damaged }
      return bytes
    } catch {
      throw .damaged("an embedded PDB that does not unpack to its \(size) bytes")
    }
  }
}
