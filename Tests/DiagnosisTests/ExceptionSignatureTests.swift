import Report
import Testing

@testable import Diagnosis

/// Two unhandled exceptions are the same crash when the same code threw the same thing.
@Suite struct ExceptionSignatureTests {
  private func frames(_ names: [String], at base: UInt64 = 0x1000) -> [Frame] {
    names.enumerated().map { index, name in
      var frame = Frame(
        kind: .managed, trust: .runtime, ip: HexNumber(base + UInt64(index)), sp: HexNumber(base))
      frame.function = name
      frame.line = Int(base & 0xff) + 1
      return frame
    }
  }

  private func exception(
    _ type: String, _ names: [String] = [], message: String = "m", at base: UInt64 = 0x1000,
    inner: [ManagedException] = []
  ) -> ManagedException {
    ManagedException(
      type: type, message: message, hresult: 1, frames: frames(names, at: base), inner: inner)
  }

  private func signature(
    _ exception: ManagedException?, thread names: [String] = ["Thrower", "Waiter"],
    kind: Crash.Kind = .managedException, at base: UInt64 = 0x1000
  ) -> Signature {
    let frames = frames(names, at: base)
    let thread = ThreadRecord(
      id: Int(base), crashed: true, frames: frames, frameCount: frames.count, complete: true,
      endReason: .outermost)
    let crash = Crash(
      kind: kind, summary: "\(base)", signal: SignalRecord(number: 6, name: "SIGABRT"))
    return CrashSignature.signature(crash, thread: thread, exception: exception, modules: [])
  }

  @Test func whereAndWithWhichWordsDoesNotCount() {
    let one = signature(exception("X", ["A.B", "A.C"]))
    let same = [
      signature(exception("X", ["A.B", "A.C"], message: "order 7"), at: 0x7f00_0000),
      signature(exception("X", ["A.B", "A.C"], at: 0x9000)),
      // Another thread has rethrown it.
      signature(exception("X", ["A.B", "A.C"]), thread: ["Other", "Stack"]),
    ]
    for other in same { #expect(other == one) }
    #expect(one.frames == ["A.B", "A.C"])
  }

  @Test func whatWasThrownAndWhereCounts() {
    let all = [
      signature(exception("X", ["A.B", "A.C"])), signature(exception("Y", ["A.B", "A.C"])),
      signature(exception("X", ["A.B", "A.D"])), signature(exception("X", ["A.B"])),
      signature(exception("X", ["A.B", "A.C"]), kind: .failFast),
      signature(exception("X", ["A.B", "A.C"], inner: [exception("Z", ["Z.Z"])])),
      signature(exception("X", ["A.B", "A.C"], inner: [exception("Z", ["Z.Y"])])),
      signature(exception("X", ["A.B", "A.C"], inner: [exception("W", ["Z.Z"])])),
    ]
    #expect(Set(all.map(\.hash)).count == all.count)
  }

  /// Many failures leave a program by one and the same Task.Wait: what they have in common is the wrapper.
  @Test func aWrapperLeavesRoomForItsCause() {
    let wait = (0..<9).map { "Task.Wait\($0)" }
    func wrapped(_ cause: ManagedException) -> Signature {
      signature(exception("System.AggregateException", wait, inner: [cause]))
    }
    let (one, other) = (
      wrapped(exception("X", ["A.B", "A.C", "A.D", "A.E"])), wrapped(exception("X", ["B.B"]))
    )
    #expect(one.hash != other.hash)
    #expect(one.frames == ["Task.Wait0", "Task.Wait1", "Task.Wait2", "A.B", "A.C", "A.D"])
    // Of a chain the innermost is the cause, and what lies between does not split a group.
    let between = wrapped(exception("Y", ["Y.Y"], inner: [exception("X", ["B.B"])]))
    #expect(between == other)
    // Siblings do not count: which of them come along is a matter of luck.
    let siblings = signature(
      exception(
        "System.AggregateException", wait, inner: [exception("X", ["B.B"]), exception("Q", ["Q"])]))
    #expect(siblings == other)
  }

  /// One that has gathered no frames is told by those of its thread.
  @Test func withoutATraceTheThreadCounts() {
    let one = signature(exception("X"), thread: ["A", "B"])
    #expect(one.frames == ["A", "B"])
    #expect(one.hash != signature(exception("X"), thread: ["A", "C"]).hash)
    #expect(one.hash != signature(exception("Y"), thread: ["A", "B"]).hash)
  }

  /// An exception that was caught says nothing of a fault in native code.
  @Test func anExceptionThatIsNotTheCauseDoesNotCount() {
    for kind: Crash.Kind in [.nativeFault, .abort, .raisedSignal, .stackOverflow, .failFast] {
      let with = signature(exception("X", ["A.B"]), kind: kind)
      #expect(with == signature(nil, kind: kind))
      #expect(with.frames == ["Thrower", "Waiter"])
    }
  }

  @Test func plumbingDoesNotCount() {
    var thrown = exception("X", ["Throw helper", "A.B"])
    thrown.frames[0].plumbing = true
    #expect(signature(thrown).frames == ["A.B"])
  }
}
