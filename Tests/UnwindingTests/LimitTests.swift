import Memory
import TestSupport
import Testing

@testable import Unwinding

/// What a walk keeps of a long stack, and when it gives up.
@Suite(.serialized, .timeLimit(.minutes(5))) struct LimitTests {
  /// `leaf`, then `count` frames of `functions` in turn, then `start`. Four in turn are not folded.
  private func deep(
    _ count: Int, _ functions: [String] = ["inner", "middle", "outer", "handler"]
  ) -> Scene {
    var words: [Word] = [.junk]
    for index in 0..<count {
      words += [
        .frame("\(index)", to: "\(index + 1)"), .returnTo(functions[index % functions.count]),
      ]
    }
    words += [.frame("\(count)", to: nil), .returnTo("start"), .junk]
    return Scene(words, framePointer: "0")
  }

  @Test(
    arguments: [["inner"], ["inner", "outer"], ["inner", "middle", "outer"]], [10_000, 10_001])
  func recursionIsFolded(functions: [String], count: Int) throws {
    let walk = deep(count, functions).walk(WalkLimits(head: 40, tail: 8))
    #expect(walk.count == count + 2)
    #expect(walk.omitted == 0, "every frame is listed or part of the repetition")
    let fold = try #require(walk.repeated)
    #expect(fold == Walk.Repeat(step: 1, period: functions.count, times: count / functions.count))
    // leaf, one round, what is left of the last round, start.
    let left = functions.prefix(count % functions.count)
    let names = ["leaf"] + functions + left + ["start"]
    #expect(walk.steps.map(\.ip) == names.map { Scene.site($0) })
  }

  @Test func whatRepeatsByMoreThanThreeIsLeftOut() {
    let walk = deep(1000).walk(WalkLimits(head: 40, tail: 8))
    #expect(walk.repeated == nil)
    #expect(walk.omitted == 1002 - 48)
  }

  @Test func aFewRepetitionsAreListed() {
    let walk = deep(12, ["inner"]).walk(WalkLimits(head: 40, tail: 8))
    #expect(walk.repeated == nil)
    #expect(walk.steps.count == 14)
  }

  @Test func headAndTailAreKeptAndAllAreCounted() {
    let scene = deep(1000)
    let all = scene.walk(WalkLimits(head: 2000, tail: 0))
    #expect(all.count == 1002 && all.steps.count == 1002)
    for (head, tail) in [
      (10, 5), (1, 1), (0, 3), (3, 0), (0, 0), (1001, 64), (1002, 64), (500, 502),
    ] {
      let walk = scene.walk(WalkLimits(head: head, tail: tail))
      #expect(walk.count == 1002)
      #expect(walk.end == .outermost)
      let sps = all.steps.map(\.sp)
      let rest = sps.dropFirst(head).suffix(tail)
      #expect(walk.steps.map(\.sp) == Array(sps.prefix(head) + rest), "head \(head), tail \(tail)")
    }
  }

  @Test func theTotalEndsIt() {
    let walk = deep(1000).walk(WalkLimits(head: 10, tail: 5, total: 300))
    #expect(walk.count == 300)
    #expect(walk.steps.count == 15)
    #expect(walk.end == .frameLimit)
  }

  @Test func theDeadlineEndsIt() {
    var asked = 0
    let walk = deep(2000).walk(WalkLimits(head: 10, tail: 5)) {
      asked += 1
      return asked == 2
    }
    #expect(walk.end == .deadline)
    #expect(walk.count < 1000 && walk.count > 10)
    #expect(walk.steps.count == 15)
  }
}

/// .eh_frame_hdr: libunwind aborts the process on a table encoding that it does not know.
@Suite struct UnwindTableTests {
  private let base: UInt64 = 0x50_0000

  private func table(
    claimed size: UInt64? = nil, cut: Int? = nil, _ spoil: (inout [UInt8]) -> Void = { _ in }
  ) -> UnwindTable? {
    var builder = UnwindTableBuilder(at: base)
    builder.add(start: 0x40_0000, size: 256, hasReturnAddress: true)
    builder.add(start: 0x40_0100, size: 256, hasReturnAddress: true)
    var bytes = builder.bytes
    let whole = UInt64(bytes.count)
    spoil(&bytes)
    if let cut { bytes.removeSubrange(cut...) }
    let image = Image(
      kind: .elf, path: "/x", base: 0x40_0000, end: 0x60_0000,
      segments: [
        ElfSegment(
          type: ElfSegment.exceptionFrameHeader, flags: 4, offset: 0, address: base,
          fileSize: 0, memorySize: size ?? whole)
      ])
    return UnwindTable(headerOf: image, memory: RegionMemory((base, bytes)))
  }

  @Test func aGoodOneIsFound() throws {
    let found = try #require(table())
    #expect(found.base == base && found.entries == base + 12 && found.count == 2)
  }

  @Test func whatCannotBeSearchedIsNone() {
    #expect(table { $0[0] = 2 } == nil)  // version
    #expect(table { $0[2] = 0xff } == nil)  // no count
    for encoding in [0x00, 0x03, 0x0b, 0x1b, 0x3c, 0xbb, 0xff] as [UInt8] {
      #expect(table { $0[3] = encoding } == nil)
    }
    #expect(table { $0.replaceSubrange(8..<12, with: [0, 0, 0, 0]) } == nil)
    #expect(table { $0.replaceSubrange(8..<12, with: [255, 255, 255, 255]) } == nil)
    #expect(table { $0.replaceSubrange(8..<12, with: [255, 255, 255, 0]) } == nil)
    for size in [UInt64(0), 1, 11, 12, 27] { #expect(table(claimed: size) == nil, "\(size)") }
    #expect(table(claimed: 28) != nil)
    #expect(table(cut: 11) == nil)
  }

  @Test func oneOutsideItsImageIsNone() {
    let image = Image(
      kind: .elf, path: "/x", base: 0x40_0000, end: 0x50_0000,
      segments: [
        ElfSegment(
          type: ElfSegment.exceptionFrameHeader, flags: 4, offset: 0, address: .max,
          fileSize: 0, memorySize: .max)
      ])
    #expect(UnwindTable(headerOf: image, memory: RegionMemory()) == nil)
  }
}
