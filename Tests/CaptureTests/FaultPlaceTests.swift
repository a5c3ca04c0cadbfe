import DotNet
import Memory
import Report
import Testing

@testable import Capture
@testable import Unwinding

/// Which of the signal frames on a stack is the crash, and where the crashed thread's own story begins.
@Suite struct FaultPlaceTests {
  private struct Names: ManagedCodeNames {
    var canAsk = true
    var isInFailFast = false
    var unknown: Set<UInt64> = []
    var plumbing: Set<UInt64> = []
    var stubs: Set<UInt64> = []
    var hasRecord = false
    func resolve(_ address: UInt64) -> ManagedNames.Resolved? {
      guard (0x2000..<0x3000).contains(address), !unknown.contains(address) else { return nil }
      return ManagedNames.Resolved(
        kind: stubs.contains(address) ? .runtime : .managed, function: "M",
        isPlumbing: plumbing.contains(address))
    }
    func nativeMethod(
      thread: Int32, between start: UInt64, and end: UInt64
    ) -> ManagedNames.Resolved? {
      hasRecord ? ManagedNames.Resolved(kind: .runtime, function: "F", isPlumbing: false) : nil
    }
    func helper(calledBefore returnAddress: UInt64) -> ManagedNames.Resolved? { nil }
  }

  /// r: the runtime, m: managed code, l: a library, c: libc; capitals are trampolines there.
  private func walk(_ story: String, _ codes: [Int32] = [1, 1, 1, 1], number: Int32 = 11) -> Walk {
    var walk = Walk()
    for (index, letter) in story.enumerated() {
      let base: UInt64 = ["r": 0x1000, "m": 0x2000, "l": 0x3000, "c": 0x4000][letter.lowercased()]!
      walk.steps.append(
        Walk.Step(
          ip: base + UInt64(index) * 16 + 1, sp: 0x10_0000 + UInt64(index) * 16, trust: .cfi,
          isInterrupted: false, isSignalTrampoline: letter.isUppercase))
      if letter.isUppercase {
        walk.signals.append(
          SignalContext(
            step: index, registers: RegisterSet(), number: number, code: codes[walk.signals.count],
            errno: 0, address: 0, senderPID: 0, senderUID: 0, errorCode: 0, trapNumber: 0))
      }
    }
    walk.count = story.count
    return walk
  }

  private func builder(_ names: Names? = Names(), hasRuntime: Bool = true) -> FrameBuilder {
    let parts: [(Image.Kind, String)] = [
      (.elf, "/dotnet/8.0.4/libcoreclr.so"), (.pe, "/app/App.dll"), (.elf, "/app/libcrash.so"),
      (.elf, "/lib/libc.so.6"),
    ]
    let images = parts.enumerated().map { index, part in
      let start = UInt64(index + 1) * 0x1000
      return Image(
        kind: part.0, path: part.1, base: start, end: start + 0x1000,
        mappings: [
          Mapping(
            start: start, end: start + 0x1000, permissions: "r-xp", inode: UInt64(index + 1),
            path: part.1)
        ])
    }
    return FrameBuilder(
      images: ImageTable(images),
      runtime: hasRuntime ? ManagedRuntime(mappings: MappingTable(images[0].mappings)) : nil,
      names: names, symbols: [:])
  }

  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var story: String
    var codes: [Int32] = [1, 1, 1, 1]
    /// Positions of the trampolines that are not caught, of the cause, and of the story's beginning.
    var uncaught: [Int]
    var cause: Int?
    var fault: Int?
  }

  static let cases: [Case] = [
    Case(testDescription: "nothing", story: "", uncaught: []),
    Case(testDescription: "no signal, no managed code", story: "crl", uncaught: []),
    Case(
      testDescription: "a fault in a library", story: "crCllmc", uncaught: [2], cause: 2, fault: 3),
    Case(
      testDescription: "a fault in managed code", story: "crCmmc", uncaught: [2], cause: 2, fault: 3
    ),
    Case(testDescription: "an exception", story: "crrmmc", uncaught: [], fault: 3),
    Case(
      testDescription: "an exception out of a catch block, above a caught fault",
      story: "crrmrrCmm",
      uncaught: [], fault: 3),
    Case(
      testDescription: "a fault in a library that a catch block called", story: "crClmrrCmm",
      uncaught: [2], cause: 2, fault: 3),
    Case(
      testDescription: "the runtime's handler of a fault faults", story: "crCrrCmm",
      uncaught: [2, 5],
      cause: 5, fault: 6),
    Case(
      testDescription: "and that one's handler too", story: "rCrCrRmm", uncaught: [1, 3, 5],
      cause: 5,
      fault: 6),
    Case(
      testDescription: "a handler of somebody else faults", story: "crCllCmm", uncaught: [2, 5],
      cause: 2, fault: 3),
    Case(
      testDescription: "the runtime is killed while it handles a fault", story: "crCrrCmm",
      codes: [0, 1], uncaught: [2, 5], cause: 2, fault: 3),
    Case(
      testDescription: "the runtime faults while it handles a signal that was sent",
      story: "crCrrCmm",
      codes: [1, 0], uncaught: [2, 5], cause: 2, fault: 3),
    Case(
      testDescription: "a walk that ended at the trampoline", story: "crC", uncaught: [2], cause: 2,
      fault: nil),
  ]

  @Test(arguments: cases) func placeOfACrash(_ one: Case) {
    let walk = walk(one.story, one.codes)
    let builder = builder()
    #expect(builder.uncaught(in: walk).map(\.step) == one.uncaught)
    #expect(builder.cause(in: walk)?.step == one.cause)
    #expect(builder.fault(in: walk, thread: 7) == one.fault)
  }

  /// The handler that moved to another stack has no trampoline left, and says no number.
  @Test func aSecondFaultOfWhichOnlyTheRegistersAreKnown() {
    let walk = walk("crRrRmm", [0, 0], number: 0)
    #expect(builder().cause(in: walk)?.step == 4)
    #expect(builder().fault(in: walk, thread: 7) == 5)
  }

  @Test func withoutARuntimeTheInnermostSignalIsTheCrash() {
    let plain = builder(nil, hasRuntime: false)
    let walk = walk("crCrrCmm")
    #expect(plain.uncaught(in: walk).map(\.step) == [2, 5])
    #expect(plain.cause(in: walk)?.step == 2)
    #expect(plain.fault(in: walk, thread: 7) == 3)
    #expect(plain.fault(in: self.walk("crmm"), thread: 7) == nil)
  }

  /// Without names, any frame in an assembly or in generated code is a managed one.
  @Test func withoutNamesTheImagesDecide() {
    #expect(builder(nil).fault(in: walk("crmmc"), thread: 7) == 2)
    #expect(builder(nil).cause(in: walk("crmrCmm"))?.step == nil)
  }

  @Test func plumbingBeginsNoStoryUnlessThereIsNothingElse() {
    // 0x2021: the third frame's, looked up one byte before.
    #expect(builder(Names(plumbing: [0x2020])).fault(in: walk("crmmc"), thread: 7) == 3)
    #expect(builder(Names(plumbing: [0x2020, 0x2030])).fault(in: walk("crmmc"), thread: 7) == 2)
    #expect(builder(Names(stubs: [0x2020])).fault(in: walk("crmmc"), thread: 7) == 3)
    #expect(builder(Names(stubs: [0x2020, 0x2030])).fault(in: walk("crmmc"), thread: 7) == nil)
  }

  /// What the runtime does not know is no method, as long as it can be asked.
  @Test func anUnknownAddressBeginsAStoryOnlyWhenNobodyCanTell() {
    let asked = Names(unknown: [0x2020])
    #expect(builder(asked).fault(in: walk("crmmc"), thread: 7) == 3)
    #expect(
      builder(Names(canAsk: false, unknown: [0x2020])).fault(in: walk("crmmc"), thread: 7) == 2)
  }

  /// The runtime prints FailFast itself as the first line.
  @Test func failFastIsTheFirstFrame() {
    #expect(
      builder(Names(isInFailFast: true, hasRecord: true)).fault(in: walk("crrmm"), thread: 7) == 2)
    #expect(builder(Names(isInFailFast: true)).fault(in: walk("crrmm"), thread: 7) == 3)
    #expect(builder(Names(hasRecord: true)).fault(in: walk("crrmm"), thread: 7) == 3)
    #expect(
      builder(Names(isInFailFast: true, hasRecord: true)).fault(in: walk("mm"), thread: 7) == 0)
  }
}
