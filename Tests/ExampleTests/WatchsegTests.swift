import Foundation
import Report
import TestSupport
import Testing

/// examples/watchseg: what the kernel does after a SIGSEGV, and that it still does so with us.
@Suite(.timeLimit(.minutes(5))) struct WatchsegTests {
  /// One way to get the signal, and what the program does about it.
  struct Mode: Sendable, CustomTestStringConvertible {
    var how: String
    var then: String
    var asInit: Bool
    var libc: ExampleRun.Libc

    var testDescription: String {
      "\(how) \(then)\(libc.rawValue)\(asInit ? ", as PID 1" : "")"
    }
    var isSent: Bool { how.hasSuffix("kill") }
    /// signal(7) and pid_namespaces(7): a fault kills anybody; what was sent is used up by a handler, and
    /// does nothing to an init that has none.
    var survives: Bool { isSent && (asInit || then == "--no-reraise") }
    /// Whether the default action comes into play, which is all that we catch.
    var endsInDefault: Bool { !isSent || then != "--no-reraise" }

    func run(_ help: ExampleRun.Help) throws -> ExampleRun {
      let program = try Places.example("watchseg", "watchseg" + libc.rawValue)
      return try ExampleRun([program, how, then], help, asInit: asInit)
    }

    static let all = ["kill", "tgkill", "fault-maperr", "fault-accerr"].flatMap { how in
      ["--reraise", "--no-reraise", "--no-handler"].flatMap { then in
        [false, true].flatMap { asInit in
          ExampleRun.Libc.allCases.map { Mode(how: how, then: then, asInit: asInit, libc: $0) }
        }
      }
    }
  }

  @Test(arguments: Mode.all) func endsAsTheKernelSays(mode: Mode) throws {
    let plain = try mode.run(.none)
    let text = plain.outcome.text
    if mode.survives {
      #expect(plain.outcome.status == 0, "\(plain.outcome)")
    } else {
      #expect(plain.outcome.signal == SIGSEGV, "\(plain.outcome)")
    }
    #expect(text.contains("survived") == mode.survives)
    #expect(text.contains("init of its PID namespace") == mode.asInit)
    if mode.then != "--no-handler" {
      #expect(text.contains("handler: sent by \(mode.how)()") == mode.isSent)
      #expect(text.contains("the instruction was executed again") == !mode.isSent)
      #expect(text.contains("raises it again") == (mode.isSent && mode.then == "--reraise"))
    }
    let preloaded = try mode.run(.preloaded)
    #expect(preloaded.behaviour == plain.behaviour)
    #expect(preloaded.reports.isEmpty)
  }

  /// The program's own handler stays what it is; what would be the default action gives a report first.
  @Test(arguments: Mode.all) func endsInTheSameWayWhenCaught(mode: Mode) throws {
    let plain = try mode.run(.none)
    let caught = try mode.run(.catching)
    #expect(caught.behaviour == plain.behaviour)
    #expect(caught.reports.count == (mode.endsInDefault ? 1 : 0), "\(caught.outcome)")
    guard let report = caught.reports.first?.report else { return }
    let signal = try #require(report.crash.signal)
    #expect(signal.number == Int(SIGSEGV) && signal.name == "SIGSEGV")
    #expect(report.process.isNamespaceInit == mode.asInit)
    #expect((report.crash.survives ?? false) == mode.survives)
    if mode.asInit { #expect(report.process.pid == 1 || report.process.namespacePID == 1) }
    // Address 0x10 is a null pointer's; the other one lies in memory that may only be read.
    let rules = report.diagnoses.map(\.rule)
    let verdict =
      mode.isSent
      ? "signal_sent" : mode.how == "fault-maperr" ? "null_dereference" : "write_to_read_only"
    #expect(rules == [verdict] + (mode.survives ? ["pid1_survives"] : []), "\(report.diagnoses)")
    if mode.isSent {
      #expect(report.crash.kind == .raisedSignal)
      #expect(signal.origin == .user && signal.address == nil && signal.access == nil)
      #expect(signal.sender?.pid == report.process.pid)
      #expect(signal.sender?.uid == Int(getuid()))
      // raise() is a tgkill to libc, and so is what the handler does.
      let isKill = mode.how == "kill" && mode.then == "--no-handler"
      #expect(signal.codeName == (isKill ? "SI_USER" : "SI_TKILL"))
    } else {
      #expect(report.crash.kind == .nativeFault)
      #expect(signal.origin == .kernel && signal.sender == nil && signal.access == .write)
      let isUnmapped = mode.how == "fault-maperr"
      #expect(signal.codeName == (isUnmapped ? "SEGV_MAPERR" : "SEGV_ACCERR"))
      #expect(signal.address?.value == (isUnmapped ? 0x10 : 0x2_0000_0000))
    }
    let thread = try #require(report.threads.first { $0.crashed })
    #expect(thread.functions.contains("provoke"), "\(thread.functions)")
  }

  /// The table of `make example-watchseg`.
  @Test func theTableSaysTheSame() throws {
    let scratch = try Scratch()
    let outcome = try Example(name: "watchseg").runAll(in: scratch, timeout: 60)
    let parts = outcome.text.components(separatedBy: "\n\n$ ")
    let rows = parts[0].split(separator: "\n").dropFirst()
    let modes = Mode.all.filter { $0.libc == .glibc }
    #expect(rows.count * 2 == modes.count, "\(outcome)")
    for mode in modes {
      let row = try #require(rows.first { $0.hasPrefix(mode.how) && $0.contains(mode.then) })
      let endings = row.split(separator: ")").last.map { $0.split(separator: "  ") }
      let ending = mode.asInit ? endings?.last : endings?.dropLast().last
      let words = try #require(ending).drop { $0 == " " }
      #expect(words == (mode.survives ? "survived" : "killed by SIGSEGV"), "\(row)")
    }
    try #require(parts.count == 3, "\(outcome)")
    #expect(parts[1].contains("(null_dereference, high confidence)"))
    #expect(parts[2].contains("(pid1_survives, high confidence)"))
    #expect(parts[2].contains("the process goes on after this"))
  }

  @Test(arguments: ExampleRun.Libc.allCases) func tellsWhoSentIt(libc: ExampleRun.Libc) throws {
    let scratch = try Scratch()
    let program = try Places.example("watchseg", "watchseg" + libc.rawValue)
    let child = try Child(
      ["prlimit", "--core=0:", "--", program, "wait", "--no-handler"],
      environment: ExampleRun.environment(.catching, reports: scratch.path))
    #expect(try child.line() == "waiting")
    kill(child.pid, SIGSEGV)
    let outcome = try child.finish()
    #expect(outcome.signal == SIGSEGV)
    let report = try #require(try ExampleRun.reports(in: scratch.path, outcome).first?.report)
    #expect(report.crash.kind == .raisedSignal)
    #expect(report.process.pid == Int(child.pid))
    #expect(report.crash.signal?.sender?.pid == Int(getpid()))
    #expect(report.crash.signal?.codeName == "SI_USER")
    #expect(!(report.crash.survives ?? false))
  }
}
