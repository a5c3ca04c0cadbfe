import Foundation
import Report
import TestSupport
import Testing

/// examples/sigreturn: a handler that returns to the wrong stack pointer.
@Suite(.timeLimit(.minutes(5))) struct SigreturnTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var libc: ExampleRun.Libc
    var onThread: Bool

    var testDescription: String { "sigreturn\(libc.rawValue)\(onThread ? " --thread" : "")" }
    func words() throws -> [String] {
      [try Places.example("sigreturn", "sigreturn" + libc.rawValue)]
        + (onThread ? ["--thread"] : [])
    }

    static let all = ExampleRun.Libc.allCases.flatMap { libc in
      [false, true].map { Case(libc: libc, onThread: $0) }
    }
  }

  @Test(arguments: Case.all, ExampleRun.Help.allCases)
  func endsInTheSameWayWithUs(one: Case, help: ExampleRun.Help) throws {
    let wrong = try ExampleRun(one.words(), help)
    #expect(wrong.outcome.signal == SIGSEGV, "\(wrong.outcome)")
    #expect(wrong.reports.count == (help == .catching ? 1 : 0))
    let verdicts = wrong.reports.first?.report.diagnoses ?? []
    #expect(verdicts.map(\.rule) == (help == .catching ? ["sigreturn_corrupted"] : []))
    let right = try ExampleRun(one.words() + ["--in-place"], help)
    #expect(right.outcome.status == 0 && right.reports.isEmpty, "\(right.outcome)")
  }

  /// `make example-sigreturn`.
  @Test func showsAllOfIt() throws {
    let scratch = try Scratch()
    let outcome = try Example(name: "sigreturn").runAll(in: scratch, timeout: 60)
    #expect(outcome.status == 0, "\(outcome)")
    let verdict = "Return to address 0 with the stack pointer inside the alternate signal stack"
    #expect(outcome.text.components(separatedBy: "\n" + verdict).count == 3, "\(outcome)")
  }

  /// gdb stops the process when the kernel has the signal ready, says what is in the registers, and lets go;
  /// then the very same process is reported.
  @Test(arguments: Case.all) func theReportHasWhatGDBSaw(one: Case) throws {
    let scratch = try Scratch()
    let variables = ExampleRun.environment(.catching, reports: scratch.path)
    // Without a shell in between: the variables are for the program alone.
    let settings = variables.map { "set environment \($0) \($1)" }
    let commands =
      ["set debuginfod enabled off", "set startup-with-shell off"] + settings + [
        "handle SIGUSR1 nostop noprint pass", "run", "info registers", "detach",
      ]
    let outcome = try run(
      ["prlimit", "--core=0:", "--", "gdb", "-nx", "-q", "-batch"]
        + commands.flatMap { ["-ex", $0] } + ["--args"] + one.words())
    let found = eventually(20) {
      (try? scratch.contents().contains { $0.hasSuffix(".json") }) ?? false
    }
    #expect(found, "\(outcome)")
    let report = try #require(try ExampleRun.reports(in: scratch.path, outcome).first?.report)

    let alternate = try bounds("alternate stack", in: outcome.text)
    let set = try bounds("stack pointer after the handler", in: outcome.text).start
    let crash = report.crash, signal = try #require(crash.signal)
    #expect(crash.kind == .nativeFault)
    #expect(signal.codeName == "SEGV_MAPERR" && signal.origin == .kernel)
    #expect(signal.address?.value == 0 && signal.access == .execute)

    let thread = try #require(report.threads.first { $0.crashed })
    #expect((thread.id == report.process.pid) == !one.onThread)
    let registers = try #require(thread.registers)
    let stackPointer = try #require(registers["rsp"]?.value)
    #expect(registers["rip"]?.value == 0)
    // One return address more than where it was put; musl's epilogue takes a word before.
    #expect(set < stackPointer && stackPointer <= set + 64)
    let truth = Self.registers(in: outcome.text)
    #expect(registers.entries.count >= 17)
    for entry in registers.entries {
      let name = entry.name == "rflags" ? "eflags" : entry.name
      #expect(truth[name] == entry.value.value, "\(entry.name)")
    }

    #expect(thread.stack?.kind == .alternate)
    #expect(thread.stack?.start.value == alternate.start)
    #expect(thread.stack?.end.value == alternate.end)
    let first = try #require(thread.frames.first)
    #expect(first.ip.value == 0 && first.sp.value == stackPointer)
    // The way back is lost: nothing must be made up.
    #expect(!thread.frames.contains { $0.function == "interrupted" || $0.function == "main" })
  }

  /// `rax            0x0                 0`, a line each.
  private static func registers(in text: String) -> [String: UInt64] {
    var result: [String: UInt64] = [:]
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: true)
      guard words.count == 3, words[1].hasPrefix("0x") else { continue }
      result[String(words[0])] = UInt64(words[1].dropFirst(2), radix: 16)
    }
    return result
  }
}
