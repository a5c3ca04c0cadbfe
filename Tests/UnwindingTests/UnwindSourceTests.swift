import Memory
import TestSupport
import Testing

@testable import Unwinding

/// The places where unwind information can be, and information that is out to hang or end us.
@Suite(.serialized, .timeLimit(.minutes(5))) struct UnwindSourceTests {
  private let chain: [Word] = [
    .junk, .junk,
    .frame("leaf's", to: "inner's"), .returnTo("inner"),
    .junk,
    .frame("inner's", to: "main's"), .returnTo("main"),
    .frame("main's", to: nil), .returnTo("start"),
    .junk,
  ]

  @Test(arguments: Scene.Tables.allCases, [0, 0x10_0000] as [UInt64])
  func everySourceServes(tables: Scene.Tables, bias: UInt64) {
    var scene = Scene(chain, framePointer: "leaf's")
    scene.addUnwindTables(outermost: "start", tables, bias: bias)
    let walk = scene.walk()
    #expect(walk.story == "leaf inner main start")
    #expect(walk.steps.map(\.trust) == [.context, .cfi, .cfi, .cfi])
    #expect(walk.end == .outermost)
  }

  /// libunwind 1.6.2 has no bound on the steps of an expression, nor on a block's length.
  @Test(
    arguments: [
      // The CFA is an expression that jumps back to its own beginning: DW_OP_skip -3.
      [0x0f, 3, 0x2f, 0xfd, 0xff],
      // DW_OP_lit1, DW_OP_bra to it.
      [0x0f, 4, 0x31, 0x28, 0xfc, 0xff],
      // A block whose length leads back to the instruction before it.
      [0x0c, 6, 16, 0x10, 3, 0xf4, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
      // A number without an end, a register that there is not, no CFA at all.
      [0x0e] + [UInt8](repeating: 0x80, count: 200),
      [0x0c, 0xff, 0x7f, 16], [0],
      // A state is restored that was not remembered.
      [0x0c, 6, 16, 0x0b],
    ] as [[UInt8]], [Scene.Tables.header, .section, .debugFrames])
  func hostileRulesEndTheWalk(rules: [UInt8], tables: Scene.Tables) {
    var scene = Scene(chain, framePointer: "leaf's")
    scene.addUnwindTables(tables, rules: rules)
    let walk = scene.walk()
    #expect(walk.end != .outermost)
    #expect(walk.count < 4)
  }

  /// What a file's section headers say is not covered by its build-id.
  @Test(
    arguments: [
      0x1000..<UInt64.max, 0..<UInt64.max, 0x1000..<0x1000 + (1 << 63),
      0xffff_0000_0000..<UInt64.max,
    ] as [Range<UInt64>]) func aSectionThatIsLargerThanMemoryIsNone(claimed: Range<UInt64>)
  {
    let walk = bare(
      UnwindSections(exceptionFrames: { _ in claimed }, debugFrames: { _ in nil }))
    #expect(walk.count >= 1 && walk.steps.allSatisfy { $0.trust != .cfi })
  }

  /// A walk in a program of which nothing but code is in memory.
  private func bare(_ sections: UnwindSections, walks: Int = 1) -> Walk {
    let code = Mapping(
      start: 0x40_0000, end: 0x40_8000, permissions: "r-xp", device: "08:01", inode: 1,
      path: "/bare")
    let image = Image(kind: .elf, path: "/bare", base: code.start, end: code.end, mappings: [code])
    let text = [UInt8](repeating: 0xe8, count: 0x8000)
    let stack = (0..<64).flatMap { littleEndian(0x40_0100 + UInt64($0) * 16) }
    let unwinder = Unwinder(
      memory: RegionMemory((code.start, text), (0x7fff_0000, stack)), images: ImageTable([image]),
      mappings: MappingTable([
        code, Mapping(start: 0x7fff_0000, end: 0x7fff_1000, permissions: "rw-p"),
      ]), sections: sections)
    var registers = RegisterSet()
    registers.instructionPointer = 0x40_0010
    registers.stackPointer = 0x7fff_0000
    var walk = Walk()
    for _ in 0..<walks {
      walk = unwinder.walk(from: registers, limits: WalkLimits(), isPastDeadline: { false })
    }
    return walk
  }

  /// A file is opened for its sections once, however many addresses and threads ask.
  @Test func sectionsAreAskedForOnce() {
    final class Count { var frames = 0, debug = 0 }
    let count = Count()
    let sections = UnwindSections(
      exceptionFrames: { _ in
        count.frames += 1
        return nil
      },
      debugFrames: { _ in
        count.debug += 1
        return nil
      })
    #expect(bare(sections, walks: 3).count >= 1)
    #expect(count.frames == 1 && count.debug == 1)
  }
}
