import TestSupport
import Testing

@testable import Memory

@Suite struct PageCacheTests {
  /// Memory that counts how often it is asked.
  private final class Source: MemorySource {
    var memory: RegionMemory
    var asked: [UInt64] = []
    init(_ memory: RegionMemory) { self.memory = memory }
    func read(_ address: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
      asked.append(address)
      return memory.read(address, into: buffer)
    }
  }

  private static let start: UInt64 = 0x10_0000
  private func source(_ count: Int = 3 * 4096) -> Source {
    Source(RegionMemory((Self.start, (0..<count).map { UInt8(truncatingIfNeeded: $0 ^ $0 >> 8) })))
  }

  @Test func aPageIsReadOnce() {
    let source = source()
    let cache = PageCache(source)
    for offset in stride(from: 0, to: 4096, by: 8) {
      #expect(
        cache.bytes(at: Self.start + UInt64(offset), count: 8)
          == source.memory.bytes(at: Self.start + UInt64(offset), count: 8))
    }
    #expect(source.asked == [Self.start])
    #expect(cache.bytes(at: Self.start + 4000, count: 200)?.count == 200)
    #expect(source.asked == [Self.start, Self.start + 4096], "the second page only")
  }

  @Test func whatItSaysIsWhatTheSourceSays() {
    let source = source(2 * 4096 + 100)
    let cache = PageCache(source)
    var random = Xorshift(seed: 61)
    for _ in 0..<5000 {
      let at = Self.start - 50 + UInt64(random.below(2 * 4096 + 300))
      let count = random.below(3) == 0 ? random.below(9000) : random.below(64)
      #expect(cache.prefix(at: at, atMost: count) == source.memory.prefix(at: at, atMost: count))
    }
  }

  /// Pages 2 MiB apart take each other's place.
  @Test func pagesThatShareAPlaceAreNotMixedUp() {
    let far = Self.start + 512 * 4096
    let source = Source(
      RegionMemory(
        (Self.start, [UInt8](repeating: 1, count: 4096)), (far, [UInt8](repeating: 2, count: 4096)))
    )
    let cache = PageCache(source)
    for _ in 0..<3 {
      #expect(cache.load(UInt32.self, at: Self.start + 8) == 0x0101_0101)
      #expect(cache.load(UInt32.self, at: far + 8) == 0x0202_0202)
      #expect(cache.load(UInt8.self, at: far + 512 * 4096) == nil)
    }
  }

  @Test func itRemembersUntilItForgets() {
    let source = source()
    let cache = PageCache(source)
    #expect(cache.load(UInt8.self, at: Self.start + 5) == 5)
    #expect(cache.load(UInt8.self, at: Self.start + 0x8000) == nil)
    source.memory = RegionMemory((Self.start, [UInt8](repeating: 9, count: 0x9000)))
    #expect(cache.load(UInt8.self, at: Self.start + 5) == 5)
    #expect(cache.load(UInt8.self, at: Self.start + 0x8000) == nil, "a hole is remembered as well")
    cache.forget()
    #expect(cache.load(UInt8.self, at: Self.start + 5) == 9)
    #expect(cache.load(UInt8.self, at: Self.start + 0x8000) == 9)
  }

  @Test func largeReadingsPassBy() {
    let source = source()
    let cache = PageCache(source)
    #expect(
      cache.bytes(at: Self.start + 1, count: 4096)
        == source.memory.bytes(at: Self.start + 1, count: 4096))
    #expect(cache.bytes(at: Self.start + 1, count: 4096) != nil)
    #expect(source.asked == [Self.start + 1, Self.start + 1])
  }

  /// Memory does not go on at 0 behind its last byte.
  @Test func theEndOfMemoryIsAnEnd() {
    let last = UInt64.max - 4095
    let cache = PageCache(
      RegionMemory(
        (last, [UInt8](repeating: 7, count: 4096)), (0, [UInt8](repeating: 8, count: 4096))))
    #expect(cache.prefix(at: .max - 3, atMost: 16) == [7, 7, 7, 7])
    #expect(cache.load(UInt64.self, at: .max - 3) == nil)
    #expect(cache.load(UInt32.self, at: .max - 3) == 0x0707_0707)
    #expect(cache.prefix(at: 0, atMost: 2) == [8, 8])
    #expect(cache.prefix(at: 0, atMost: 0).isEmpty)
  }
}
