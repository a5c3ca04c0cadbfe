import Memory
import Report
import Symbols
import Testing

@testable import Capture
@testable import Unwinding

/// Frames that are written once for all stacks are the frames that are built for each.
@Suite struct FrameTextsTests {
  private let images = ImageTable([
    Image(
      kind: .elf, path: "/app/one.so", base: 0x4000, end: 0x5000,
      mappings: [Mapping(start: 0x4000, end: 0x5000, permissions: "r-xp")])
  ])

  private func stacks(alternate: [Range<UInt64>] = []) -> StackFinder {
    StackFinder(
      mappings: MappingTable([
        Mapping(start: 0x10_0000, end: 0x20_0000, permissions: "rw-p"),
        Mapping(start: 0x40_0000, end: 0x50_0000, permissions: "rw-p"),
      ]), isMainThread: false, threadPointer: 0x1f_0000, alternateStacks: alternate)
  }

  private func step(
    _ ip: UInt64, _ sp: UInt64, _ trust: Walk.Trust = .cfi, interrupted: Bool = false,
    trampoline: Bool = false
  ) -> Walk.Step {
    Walk.Step(
      ip: ip, sp: sp, trust: trust, isInterrupted: interrupted, isSignalTrampoline: trampoline)
  }

  @Test func theyAreTheSame() {
    let builder = FrameBuilder(
      images: images, runtime: nil, names: nil,
      symbols: [
        0x4020: Symbol(name: "one", address: 0x4010), 0x4021: Symbol(name: "two", address: 0x4021),
      ],
      lines: [
        0x4020: CodePlace(
          inlined: [InlinedCall(function: "leaf", place: SourcePlace(file: "/l.h", line: 3))],
          place: SourcePlace(file: "/s.c", line: 12))
      ])
    let walks = [
      [step(0x4021, 0x10_0000, .context, interrupted: true), step(0x4021, 0x10_0040)],
      // The same address in another way, on another stack, and nowhere.
      [
        step(0x4021, 0x10_0080, .scan), step(0x4021, 0x40_0080), step(0x4021, 0x10_00c0),
        step(0x4021, 0x10_0100, .cfi, interrupted: true, trampoline: true), step(0x9999, 0x90_0000),
      ],
      [step(0x4021, 0x10_0100), step(0x4021, 0x18_0010)],
      [],
    ]
    var texts = FrameTexts(builder)
    for alternate in [[], [0x18_0000..<0x18_1000 as Range<UInt64>]] {
      let stacks = stacks(alternate: alternate)
      for steps in walks {
        let home = steps.first.flatMap { stacks.stack(at: $0.sp) }
        var bytes: [UInt8] = []
        texts.append(steps, stacks: stacks, home: home, to: &bytes)
        let frames = builder.frames(steps[...], thread: 7, stacks: stacks, home: home?.kind)
        #expect(bytes == JSONStream.encode(frames))
      }
    }
  }
}
