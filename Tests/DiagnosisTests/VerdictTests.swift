import Report
import Testing

@testable import Diagnosis

/// How a signal becomes a verdict. The cases are those of facts/unwinding.md, "Telling crashes apart", and
/// of facts/createdump.md, "Which crash gives which arguments".
@Suite struct VerdictTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var announced: CrashFacts.Signal?
    var found: CrashFacts.Signal?
    var runtime: String?
    var isAtStackEnd = false
    var kind: Crash.Kind
    var origin: SignalRecord.Origin?
    var address: UInt64?
    var access: SignalRecord.Access?
    var survives: Bool?
    var number: Int

    init(
      _ description: String, announced: CrashFacts.Signal? = nil, found: CrashFacts.Signal? = nil,
      runtime: String? = nil, isAtStackEnd: Bool = false, number: Int, _ kind: Crash.Kind,
      origin: SignalRecord.Origin? = nil, address: UInt64? = nil,
      access: SignalRecord.Access? = nil, survives: Bool? = nil
    ) {
      testDescription = description
      self.announced = announced
      self.found = found
      self.runtime = runtime
      self.isAtStackEnd = isAtStackEnd
      self.kind = kind
      self.origin = origin
      self.address = address
      self.access = access
      self.survives = survives
      self.number = number
    }
  }

  private static func signal(
    _ number: Int, code: Int? = nil, address: UInt64? = nil, sender: Int? = nil,
    trap: UInt64? = nil, error: UInt64? = nil
  ) -> CrashFacts.Signal {
    var signal = CrashFacts.Signal(number: number, code: code, address: address)
    signal.senderPID = sender
    signal.senderUID = sender.map { _ in 1000 }
    signal.trapNumber = trap
    signal.errorCode = error
    return signal
  }

  static let cases: [Case] = [
    Case(
      "a write to NULL", found: signal(11, code: 1, address: 8, trap: 14, error: 6), number: 11,
      .nativeFault, origin: .kernel, address: 8, access: .write),
    Case(
      "a read of NULL", found: signal(11, code: 1, address: 0, trap: 14, error: 4), number: 11,
      .nativeFault, origin: .kernel, address: 0, access: .read),
    Case(
      "a call of NULL", found: signal(11, code: 1, address: 0, trap: 14, error: 0x14), number: 11,
      .nativeFault, origin: .kernel, address: 0, access: .execute),
    Case(
      "a write to read-only data",
      found: signal(11, code: 2, address: 0x40_0000, trap: 14, error: 7), number: 11,
      .nativeFault, origin: .kernel, address: 0x40_0000, access: .write),
    Case(
      "a non-canonical address: no address is told, so none is made up",
      found: signal(11, code: 128, address: 0, trap: 13, error: 0), number: 11, .nativeFault,
      origin: .kernel),
    Case(
      "a division by zero", found: signal(8, code: 1, address: 0x1234, trap: 0, error: 0),
      number: 8, .nativeFault, origin: .kernel, address: 0x1234),
    Case(
      "the end of a stack", found: signal(11, code: 1, address: 0x7ff0, trap: 14, error: 6),
      isAtStackEnd: true, number: 11, .stackOverflow, origin: .kernel, address: 0x7ff0,
      access: .write),
    Case(
      "announced with its address, no signal frame", announced: signal(11, code: 1, address: 8),
      runtime: ".NET 8.0.4", number: 11, .nativeFault, origin: .kernel, address: 8),
    Case(
      "announced, and completed by the signal frame", announced: signal(11, code: 1, address: 8),
      found: signal(11, code: 1, address: 8, trap: 14, error: 6), runtime: ".NET 8.0.4",
      number: 11, .nativeFault, origin: .kernel, address: 8, access: .write),
    Case(
      "announced by number alone (.NET 6), the rest from the stack", announced: signal(11),
      found: signal(11, code: 1, address: 8, trap: 14, error: 4), runtime: ".NET 6.0", number: 11,
      .nativeFault, origin: .kernel, address: 8, access: .read),
    Case(
      "kill -SEGV is survived by a .NET process: its si_addr is a pid",
      announced: signal(11, code: 0, address: 0x3e8_0000_1234),
      found: signal(11, code: 0, address: 0x3e8_0000_1234, sender: 0x1234),
      runtime: ".NET 8.0.4", number: 11, .raisedSignal, origin: .user, survives: true),
    Case(
      "raise(SIGSEGV)", announced: signal(11, code: -6), runtime: ".NET 8.0.4", number: 11,
      .raisedSignal, origin: .user, survives: true),
    Case(
      "kill -SEGV of a program without a handler of its own kills",
      found: signal(11, code: 0, sender: 1), number: 11, .raisedSignal, origin: .user),
    Case(
      "abort()", announced: signal(6, code: -6), runtime: ".NET 8.0.4", number: 6, .abort,
      origin: .user),
    Case(
      "SIGABRT from elsewhere", announced: signal(6, code: 0),
      found: signal(6, code: 0, sender: 77), runtime: ".NET 8.0.4", number: 6, .raisedSignal,
      origin: .user, survives: true),
    Case(
      "the runtime ends its own process: no code", announced: signal(6), runtime: ".NET 8.0.4",
      number: 6, .abort),
    Case(
      "the runtime ends its own process because of a fault on the stack", announced: signal(6),
      found: signal(11, code: 1, address: 8, trap: 14, error: 6), runtime: ".NET 8.0.4",
      number: 11, .nativeFault, origin: .kernel, address: 8, access: .write),
    Case(
      "a real abort above an old, survived fault is still an abort",
      announced: signal(6, code: -6), found: signal(11, code: 1, address: 8), number: 6, .abort,
      origin: .user),
    Case(
      "an abort above an unrelated signal handler", announced: signal(6),
      found: signal(10, code: 0, sender: 1), runtime: ".NET 8.0.4", number: 6, .abort),
    Case(
      "kill -TRAP ends even a .NET process", announced: signal(5, code: 0), runtime: ".NET 8.0.4",
      number: 5, .raisedSignal, origin: .user),
    Case("nothing told at all (.NET Core 3.1)", runtime: ".NET 3.1.23", number: 6, .abort),
  ]

  @Test(arguments: cases) func verdict(_ one: Case) throws {
    var facts = CrashFacts(pid: 50)
    facts.threadID = 51
    facts.announced = one.announced
    facts.found = one.found
    facts.runtime = one.runtime
    facts.isAtStackEnd = one.isAtStackEnd
    let crash = CrashVerdict.crash(facts)
    #expect(crash.kind == one.kind)
    let signal = try #require(crash.signal)
    #expect(signal.number == one.number)
    #expect(signal.origin == one.origin)
    #expect(signal.address?.value == one.address)
    #expect(signal.access == one.access)
    #expect(crash.survives == one.survives)
    #expect(crash.threadID == 51)
    #expect(!crash.summary.isEmpty && !crash.summary.contains("\n"))
    #expect(crash.summary.contains("51"))
    if one.survives == true { #expect(crash.summary.contains("goes on")) }
    if let address = one.address {
      #expect(crash.summary.contains("0x" + String(address, radix: 16)))
    }
    if one.origin == .user { #expect(signal.address == nil, "si_addr is si_pid here") }
    if one.kind == .raisedSignal, let sender = one.found?.senderPID {
      #expect(signal.sender == SignalRecord.Sender(pid: sender, uid: 1000))
      #expect(crash.summary.contains("\(sender)"))
    }
  }

  @Test func whatSentTheSignalToItselfIsSaid() {
    var facts = CrashFacts(pid: 50)
    facts.found = Self.signal(11, code: -6, sender: 50)
    #expect(CrashVerdict.crash(facts).summary.contains("by the process itself"))
  }

  @Test func placeAndAccessAreInTheSummary() {
    var facts = CrashFacts(pid: 50)
    facts.threadID = 51
    facts.place = "crash_write (libcrash.so)"
    facts.found = Self.signal(11, code: 1, address: 0x18, trap: 14, error: 6)
    let summary = CrashVerdict.crash(facts).summary
    for part in ["SIGSEGV", "SEGV_MAPERR", "write", "0x18", "crash_write (libcrash.so)", "51"] {
      #expect(summary.contains(part), "\(part) in \(summary)")
    }
  }

  @Test(
    arguments: [
      (4, 1, "SIGILL", "ILL_ILLOPC"), (5, 1, "SIGTRAP", "TRAP_BRKPT"),
      (7, 2, "SIGBUS", "BUS_ADRERR"), (8, 1, "SIGFPE", "FPE_INTDIV"),
      (11, 2, "SIGSEGV", "SEGV_ACCERR"), (11, 128, "SIGSEGV", "SI_KERNEL"),
      (11, 0, "SIGSEGV", "SI_USER"), (6, -6, "SIGABRT", "SI_TKILL"),
      (15, -1, "SIGTERM", "SI_QUEUE"), (31, 1, "SIGSYS", "SYS_SECCOMP"), (40, 7, "SIG40", nil),
      (11, 9999, "SIGSEGV", nil), (-5, 1, "SIG-5", nil),
    ] as [(Int, Int, String, String?)])
  func names(number: Int, code: Int, name: String, codeName: String?) {
    #expect(SignalNames.name(number) == name)
    #expect(SignalNames.codeName(signal: number, code: code) == codeName)
  }
}
