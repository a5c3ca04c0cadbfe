import TestSupport
import Testing

@testable import DotNet

@Suite struct EmbeddedPDBTests {
  /// Deflate: a stored block for each 65535 bytes, the last one marked.
  private func stored(_ bytes: [UInt8]) -> [UInt8] {
    [1] + littleEndian(UInt16(bytes.count)) + littleEndian(~UInt16(bytes.count)) + bytes
  }

  /// Deflate by fixed codes: a zero, then `count` times 258 zeros. 258 zeros take 13 bits.
  private func zeros(_ count: Int) -> [UInt8] {
    var bits: [UInt8] = [1, 1, 0]
    // 0 is 00110000; length 258 is 11000101; distance 1 is 00000; the end is 0000000.
    bits += [0, 0, 1, 1, 0, 0, 0, 0]
    for _ in 0..<count { bits += [1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0] }
    bits += [0, 0, 0, 0, 0, 0, 0]
    return stride(from: 0, to: bits.count, by: 8).map { start in
      bits[start..<min(start + 8, bits.count)].enumerated().reduce(0) { $0 | $1.1 << $1.0 }
    }
  }

  @Test func whatWasPackedComesOut() throws {
    #expect(try Inflate.raw(stored([1, 2, 3]), limit: 3) == [1, 2, 3])
    #expect(try Inflate.raw(stored([]), limit: 0) == [])
    #expect(try Inflate.raw(zeros(1000), limit: 300_000) == Array(repeating: 0, count: 258_001))
  }

  @Test func aLimitIsALimit() {
    #expect(throws: Inflate.Failure.tooLong) { try Inflate.raw(stored([1, 2, 3]), limit: 2) }
    // 160 KB that would be 25 MB.
    #expect(throws: Inflate.Failure.tooLong) { try Inflate.raw(zeros(100_000), limit: 1 << 20) }
  }

  @Test func damagedDataIsRefused() {
    let packed = zeros(50)
    for count in 0..<packed.count {
      #expect(throws: Inflate.Failure.damaged) {
        try Inflate.raw(Array(packed[..<count]), limit: 1 << 20)
      }
    }
    #expect(throws: Inflate.Failure.damaged) { try Inflate.raw([0xff, 0xff], limit: 100) }
  }

  private func unpack(_ bytes: [UInt8]) throws -> [UInt8] {
    try EmbeddedPDB.bytes(
      .init(address: 0x1000, size: bytes.count), in: RegionMemory((0x1000, bytes)))
  }

  @Test func theSizeMustBeTheOneThatItSays() throws {
    let packed = stored([1, 2, 3])
    #expect(try unpack(Array("MPDB".utf8) + littleEndian(UInt32(3)) + packed) == [1, 2, 3])
    for size: UInt32 in [2, 4, 1000] {
      #expect(throws: PDBError.self) {
        try unpack(Array("MPDB".utf8) + littleEndian(size) + packed)
      }
    }
    #expect(throws: PDBError.tooLarge(limit: EmbeddedPDB.limit)) {
      try unpack(Array("MPDB".utf8) + littleEndian(UInt32.max) + packed)
    }
    #expect(throws: PDBError.self) {
      try unpack(Array("MPDC".utf8) + littleEndian(UInt32(3)) + packed)
    }
    #expect(throws: PDBError.self) { try unpack([]) }
  }

  @Test func aBlockThatIsNotInMemoryIsRefused() {
    let bytes = Array("MPDB".utf8) + littleEndian(UInt32(3)) + stored([1, 2, 3])
    for block in [
      DebugDirectory.Block(address: 0x1000, size: 1 << 20), .init(address: .max, size: 100),
      .init(address: 0x1000, size: .max),
    ] {
      #expect(throws: PDBError.self) {
        try EmbeddedPDB.bytes(block, in: RegionMemory((0x1000, bytes)))
      }
    }
  }
}
