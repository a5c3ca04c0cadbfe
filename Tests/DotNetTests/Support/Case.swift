// SPDX-License-Identifier: Apache-2.0
import Foundation

/// One way to end, as in Tests/Fixtures/dotnet/truth.md: a mode of Crash.dll, what is sent to it, and what
/// a report must say about it. Those of Throws.dll are in Throwing.swift.
struct Case: Sendable, Hashable, CustomStringConvertible {
  var program = "Crash"
  let name: String
  var mode: String
  var signal: Int32?
  var settings: [String: String] = [:]

  var description: String { name }
  var waits: Bool { mode.hasPrefix("wait") }
  var onThread: Bool { mode.hasSuffix("-thread") || mode.hasSuffix("-pool") }

  static func == (a: Case, b: Case) -> Bool { a.name == b.name && a.program == b.program }
  func hash(into hasher: inout Hasher) {
    hasher.combine(name)
    hasher.combine(program)
  }

  /// What a report says; of whom nothing is expected is left nil.
  struct Verdict: Sendable {
    enum Address: Sendable, Equatable {
      case none, exactly(UInt64), any
      /// Wherever a damaged register happens to point: the page at 0.
      case nearNull
      /// Where the instruction itself is.
      case instruction
    }
    enum Sender: Sendable { case none, tester, itself }

    /// More than one where naming the kind takes a look at the managed exception.
    var kinds: Set<String>
    var signals: Set<Int> = [6]
    var code: Int?
    var address = Address.none
    var access: String?
    var sender = Sender.none
    var survives = false
    /// Functions innermost first; nil for a frame that is in no module.
    var functions: [String?] = []
    /// True when a signal handler calls createdump, so that the signal frame is above the fault.
    var hasSignalFrame = true
    /// True when the runtime's handler faulted too, so that the signal is that of its own fault.
    var isSecondFault = false
  }

  /// The reports that a run leaves, in order: as many as createdump is called for a crash.
  func verdicts(_ runtime: Runtime) -> [Verdict] {
    if let signal { return Self.sent(signal, self, runtime) }
    if let faults = Self.faults[mode] { return [faults] }
    let managed = Verdict(
      kinds: ["abort", "managed_exception", "fail_fast"], hasSignalFrame: false)
    switch (mode, runtime) {
    case ("exit", _), ("caught", _): return []
    case ("overflow", _), ("overflow-thread", _):
      return [Verdict(kinds: ["stack_overflow"], signals: [11], address: .any)]
    case ("native-overflow", .core3), ("native-overflow-thread", _):
      return [
        Verdict(
          kinds: ["stack_overflow"], signals: [11], address: .any, access: "write",
          functions: ["descend", "descend"])
      ]
    case ("native-overflow", .net8):
      // createdump hears of libcoreclr's own fault, while it walks the overflowed stack (truth.md); the
      // stack tells of the first one, but the kernel's frame for it is overwritten.
      return [
        Verdict(
          kinds: ["stack_overflow"], signals: [11], functions: ["descend", "descend"],
          isSecondFault: true)
      ]
    case ("native-abort", .net8), ("native-abort-thread", .net8):
      return [
        Verdict(kinds: ["abort"], code: -6, sender: .itself)
      ]
    case ("native-abort", .core3), ("native-abort-thread", .core3), ("raise-abrt", .core3):
      return []
    case ("raise-segv", _): return [Self.raised(11, code: -6, .itself)]
    case ("raise-fpe", _): return [Self.raised(8, code: -6, .itself)]
    case ("raise-abrt", .net8): return [Self.raised(6, code: -6, .itself)]
    default: return [managed]
    }
  }

  private static func raised(_ number: Int, code: Int, _ sender: Verdict.Sender) -> Verdict {
    Verdict(kinds: ["raised_signal"], signals: [number], code: code, sender: sender, survives: true)
  }

  private static func sent(_ number: Int32, _ this: Case, _ runtime: Runtime) -> [Verdict] {
    let survived = raised(Int(number), code: 0, .tester)
    let damaged = Verdict(
      kinds: ["native_fault"], signals: [11], code: 1, address: .nearNull, functions: ["read"])
    let exception = Verdict(kinds: ["abort", "managed_exception"], hasSignalFrame: false)
    let isNet8 = runtime == .net8
    switch (number, this.mode) {
    case (SIGSEGV, "wait-then-exception"), (SIGSEGV, "wait-then-exception-thread"),
      (SIGABRT, "wait-then-exception"):
      if number == SIGABRT, !isNet8 { return [] }
      return isNet8 ? [survived] : [survived, exception]
    case (SIGSEGV, _), (SIGFPE, _), (SIGILL, _): return [survived]
    case (SIGBUS, "wait"): return isNet8 ? [survived] : [damaged]
    case (SIGBUS, _), (SIGABRT, _): return isNet8 ? [survived] : []
    case (SIGTRAP, "wait"): return [damaged]
    case (SIGTRAP, "wait-in-sleep") where isNet8:
      return [
        Verdict(kinds: ["abort"], code: -6, sender: .itself)
      ]
    case (SIGTERM, _) where isNet8 && this.settings["EnableDumpOnSigTerm"] == "1":
      var verdict = raised(15, code: 0, .tester)
      verdict.survives = false
      return [verdict]
    default: return []
    }
  }

  private static func fault(
    _ number: Int, _ code: Int, _ address: Verdict.Address, _ functions: [String?],
    access: String? = nil
  ) -> Verdict {
    Verdict(
      kinds: ["native_fault"], signals: [number], code: code, address: address, access: access,
      functions: functions)
  }

  /// The runtime makes exceptions of these.
  private static func inManagedCode(_ address: Verdict.Address) -> Verdict {
    Verdict(kinds: ["managed_exception"], signals: [11], code: 1, address: address)
  }

  private static let faults: [String: Verdict] = [
    "native-segv": fault(11, 1, .exactly(8), ["write_to", "crash_segv"], access: "write"),
    "native-segv-thread": fault(11, 1, .exactly(8), ["write_to", "crash_segv"], access: "write"),
    "native-segv-in-callback":
      fault(11, 1, .exactly(8), ["write_to", "crash_segv"], access: "write"),
    "native-segv-read-only":
      fault(11, 2, .any, ["write_to", "crash_segv_read_only"], access: "write"),
    "native-segv-non-canonical": fault(11, 128, .none, ["write_to", "crash_segv_non_canonical"]),
    "native-call-null": fault(11, 1, .exactly(0), [nil, "crash_call_null"], access: "execute"),
    "native-fpe": fault(8, 1, .instruction, ["divide", "crash_fpe"]),
    "native-ill": fault(4, 2, .instruction, ["crash_ill"]),
    "native-trap": fault(5, 128, .none, ["crash_trap"]),
    "null-reference": inManagedCode(.nearNull),
    "access-violation": inManagedCode(.exactly(0x7ead_0000)),
    "access-violation-near-null": inManagedCode(.exactly(0x10)),
    "native-bus": fault(7, 2, .any, ["write_to", "crash_bus"], access: "write"),
  ]

  /// 8.0 never reaches its second crash once dumps are enabled; see truth.md.
  func hangs(_ runtime: Runtime) -> Bool {
    runtime == .net8 && mode.hasPrefix("wait-then-") && (signal == SIGSEGV || signal == SIGABRT)
  }

  // MARK: All of them

  static let all: [Case] = {
    let modes = """
      exit caught exception exception-thread exception-pool exception-inner exception-aggregate
      exception-rethrown exception-text exception-in-callback null-reference fail-fast fail-fast-thread
      overflow overflow-thread access-violation access-violation-near-null access-violation-marshal
      native-segv native-segv-thread native-segv-read-only native-segv-non-canonical
      native-segv-in-callback native-call-null native-fpe native-ill native-trap native-bus
      native-overflow native-overflow-thread native-abort native-abort-thread raise-segv raise-fpe
      raise-abrt
      """
    var cases = modes.split(whereSeparator: \.isWhitespace).map {
      Case(name: String($0), mode: String($0))
    }
    let signals: [(String, Int32)] = [
      ("SEGV", SIGSEGV), ("FPE", SIGFPE), ("BUS", SIGBUS), ("ILL", SIGILL), ("TRAP", SIGTRAP),
      ("ABRT", SIGABRT), ("SYS", SIGSYS), ("TERM", SIGTERM), ("INT", SIGINT), ("QUIT", SIGQUIT),
      ("HUP", SIGHUP),
    ]
    cases += signals.map { Case(name: "kill -\($0)", mode: "wait", signal: $1) }
    for (name, number) in signals where ["SEGV", "BUS", "TRAP", "ABRT"].contains(name) {
      cases.append(
        Case(name: "kill -\(name), in native code", mode: "wait-in-native", signal: number))
      cases.append(
        Case(name: "kill -\(name), in Thread.Sleep", mode: "wait-in-sleep", signal: number))
    }
    cases += [
      Case(name: "kill -SEGV, then exception", mode: "wait-then-exception", signal: SIGSEGV),
      Case(
        name: "kill -SEGV, then exception-thread", mode: "wait-then-exception-thread",
        signal: SIGSEGV),
      Case(name: "kill -ABRT, then exception", mode: "wait-then-exception", signal: SIGABRT),
      Case(
        name: "kill -TERM, EnableDumpOnSigTerm", mode: "wait", signal: SIGTERM,
        settings: ["EnableDumpOnSigTerm": "1"]),
    ]
    return cases
  }()

  static func named(_ name: String) -> Case { all.first { $0.name == name }! }
}

/// A case on a runtime: what the tests are parametrised by.
struct Scenario: Sendable, Hashable, CustomStringConvertible {
  var subject: Case
  var runtime: Runtime

  var description: String { "\(subject) on \(runtime)" }

  static let all = Runtime.allCases.flatMap { runtime in
    Case.all.map { Scenario(subject: $0, runtime: runtime) }
  }
  static let reporting = all.filter { !$0.subject.verdicts($0.runtime).isEmpty }

  init(subject: Case, runtime: Runtime) {
    self.subject = subject
    self.runtime = runtime
  }

  init(_ mode: String, _ runtime: Runtime) {
    self.init(subject: Case.named(mode), runtime: runtime)
  }
}
