import Report
import Testing

@testable import Diagnosis

/// Which of the things that are there when a .NET process dies has ended it: the exception, which any
/// thread may have caught long ago, the call of FailFast, or the signal.
@Suite struct ManagedVerdictTests {
  private static func exception(_ type: String) -> ManagedException {
    ManagedException(type: type, message: "argh", hresult: 0x8013_1500, frames: [], inner: [])
  }

  private static func facts(
    announced: (Int, Int?)? = nil, found: (Int, Int)? = nil, _ type: String? = nil,
    failFast: Bool = false, managed: Bool = false, atEnd: Bool = false, runtime: Bool = true,
    isStackKnown: Bool = true
  ) -> CrashFacts {
    var facts = CrashFacts(pid: 50)
    facts.threadID = 51
    facts.announced = announced.map { CrashFacts.Signal(number: $0.0, code: $0.1) }
    facts.found = found.map { CrashFacts.Signal(number: $0.0, code: $0.1, address: 0x18) }
    facts.exception = type.map(exception)
    if failFast { facts.failFast = CrashFacts.FailFast(message: "enough", frames: []) }
    facts.isInManagedCode = managed
    facts.isAtStackEnd = atEnd
    facts.runtime = runtime ? ".NET" : nil
    facts.isStackKnown = isStackKnown
    return facts
  }

  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var facts: CrashFacts
    var kind: Crash.Kind
    /// Of the signal that the report names.
    var number: Int
    init(_ words: String, _ facts: CrashFacts, _ kind: Crash.Kind, _ number: Int) {
      (testDescription, self.facts, self.kind, self.number) = (words, facts, kind, number)
    }
  }

  private static let (abort, segv, fpe) = (6, 11, 8)
  private static let null = "System.NullReferenceException"
  private static let own = "System.InvalidOperationException"
  private static let overflow = "System.StackOverflowException"
  private static let engine = "System.ExecutionEngineException"

  static let cases: [Case] = [
    // The runtime ends the process: on 8.0 it says SIGABRT and no code, on 3.1 nothing.
    Case("8.0: unhandled", facts(announced: (abort, nil), own), .managedException, abort),
    Case("3.1: unhandled", facts(own), .managedException, abort),
    Case("8.0: FailFast", facts(announced: (abort, nil), failFast: true), .failFast, abort),
    Case("3.1: FailFast", facts(failFast: true), .failFast, abort),
    Case(
      "FailFast with an exception", facts(announced: (abort, nil), own, failFast: true), .failFast,
      abort),
    Case(
      "FailFast, which has nothing to do with the fault that was caught before",
      facts(announced: (abort, nil), found: (segv, 1), null, failFast: true), .failFast, abort),
    Case(
      "8.0: a fault in managed code became an exception",
      facts(announced: (abort, nil), found: (segv, 1), null, managed: true), .managedException, segv
    ),
    Case(
      "8.0: a division by zero did", facts(announced: (abort, nil), found: (fpe, 1)),
      .managedException, fpe),
    Case(
      "3.1: a fault in managed code became an exception",
      facts(found: (segv, 1), null, managed: true), .managedException, segv),
    Case(
      "what the runtime keeps for its own failures",
      facts(announced: (abort, nil), engine), .abort, abort),
    Case("the same on 3.1", facts(engine), .abort, abort),
    Case(
      "the same, and FailFast", facts(announced: (abort, nil), engine, failFast: true), .failFast,
      abort),
    Case("no exception at all", facts(announced: (abort, nil)), .abort, abort),
    // Overflows.
    Case(
      "8.0: an overflow by its address",
      facts(announced: (abort, nil), found: (segv, 1), atEnd: true),
      .stackOverflow, segv),
    Case(
      "8.0: an overflow by its exception", facts(announced: (abort, nil), overflow), .stackOverflow,
      abort),
    Case("3.1: an overflow by its exception", facts(overflow), .stackOverflow, abort),
    Case(
      "an overflow that is not at the known end of a stack",
      facts(announced: (abort, nil), found: (segv, 1), overflow, managed: true), .stackOverflow,
      segv),
    // An exception that was caught and is still there.
    Case(
      "8.0: a fault in native code", facts(announced: (segv, 1), found: (segv, 1), own),
      .nativeFault, segv),
    Case(
      "8.0: its signal frame is not found", facts(announced: (segv, 1), own), .nativeFault, segv),
    Case("3.1: a fault in native code", facts(found: (segv, 1), own), .nativeFault, segv),
    Case(
      "8.0: a fault in native code, above one that was handled",
      facts(announced: (7, 2), found: (segv, 1), own, managed: true), .nativeFault, 7),
    Case("an old overflow, never thrown", facts(found: (segv, 1), overflow), .nativeFault, segv),
    Case("8.0: kill", facts(announced: (segv, 0), found: (segv, 0), own), .raisedSignal, segv),
    Case("3.1: kill", facts(found: (segv, 0), own), .raisedSignal, segv),
    Case("8.0: raise", facts(announced: (segv, -6), null, managed: true), .raisedSignal, segv),
    Case("3.1: raise", facts(found: (fpe, -6), own, managed: true), .raisedSignal, fpe),
    Case("8.0: abort() of a library", facts(announced: (abort, -6), own), .abort, abort),
    Case("8.0: kill -ABRT", facts(announced: (abort, 0), own), .raisedSignal, abort),
    Case("abort(), and an overflow", facts(announced: (abort, -6), overflow), .abort, abort),
    // No runtime: an exception is none of ours.
    Case("no runtime", facts(announced: (abort, nil), runtime: false), .abort, abort),
    Case(
      "a fault without a runtime", facts(found: (segv, 1), managed: true, runtime: false),
      .nativeFault, segv),
  ]

  @Test(arguments: cases) func verdict(_ one: Case) throws {
    let crash = CrashVerdict.crash(one.facts)
    #expect(crash.kind == one.kind)
    #expect(crash.signal?.number == one.number)
    #expect(!crash.summary.contains("\n"))
    let names = crash.summary.contains("Unhandled")
    #expect(names == (one.kind == .managedException && one.facts.exception != nil))
    #expect(crash.summary.contains("enough") == (one.kind == .failFast))
    if one.kind == .stackOverflow { #expect(crash.summary.hasPrefix("Stack overflow")) }
  }

  /// 3.1 says nothing: without its stack nobody knows that it ended by itself.
  @Test func nothingAnnouncedAndNoStackIsUnknown() {
    for type in [Self.own, Self.overflow, nil] {
      let facts = Self.facts(type, isStackKnown: false)
      #expect(CrashVerdict.crash(facts).kind == .unknown)
      #expect(CrashVerdict.crash(facts).signal == nil)
    }
  }

  @Test func recursionIsSaid() {
    var facts = Self.facts(announced: (6, nil), Self.overflow)
    facts.place = "A.One (A.cs:3)"
    facts.recursion = CrashFacts.Recursion(functions: ["A.One"], times: 5000)
    #expect(
      CrashVerdict.crash(facts).summary
        == "Stack overflow in A.One (A.cs:3), after 5000 calls of A.One by itself on thread 51")
    facts.recursion?.functions = ["A.One", "A.Two", "A.Three"]
    #expect(
      CrashVerdict.crash(facts).summary
        == "Stack overflow in A.One (A.cs:3), after 5000 rounds of A.Three → A.Two → A.One on thread 51"
    )
    for none in [nil, CrashFacts.Recursion(functions: [], times: 5)] {
      facts.recursion = none
      #expect(CrashVerdict.crash(facts).summary == "Stack overflow in A.One (A.cs:3) on thread 51")
    }
  }

  @Test func callersOfNativeCodeAreSaid() {
    var facts = Self.facts(announced: (11, 1), found: (11, 1), Self.own)
    (facts.place, facts.caller) = ("crash_write (libcrash.so)", "Shop.Till.Open (Till.cs:3)")
    let summary = CrashVerdict.crash(facts).summary
    #expect(
      summary.contains("in crash_write (libcrash.so), called from Shop.Till.Open (Till.cs:3)"))
    #expect(!summary.contains(Self.own))
  }

  @Test func theFaultBehindAnExceptionIsSaid() {
    var facts = Self.facts(announced: (6, nil), found: (11, 1), Self.null, managed: true)
    #expect(
      CrashVerdict.crash(facts).summary
        == "Unhandled System.NullReferenceException: argh (SIGSEGV (SEGV_MAPERR) at address 0x18)")
    // Without the runtime's help it is at least told what it must have been.
    facts.exception = nil
    #expect(CrashVerdict.crash(facts).summary.contains("NullReferenceException or AccessViolation"))
    facts.found = CrashFacts.Signal(number: 8, code: 1, address: 0x18)
    #expect(CrashVerdict.crash(facts).summary.contains("DivideByZeroException"))
  }
}
