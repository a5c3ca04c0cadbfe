// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// What a report says of the crash itself, against what the program, the runtime and the test know.
@Suite(.enabled(if: Lab.isReady, "run `make fixtures` first"))
struct VerdictTests {
  @Test(arguments: Scenario.reporting)
  func theSignalIsTheOneThatCame(_ scenario: Scenario) async throws {
    let run = try await Experiment.of(scenario)
    let verdicts = scenario.subject.verdicts(scenario.runtime)
    try #require(run.reports.count == verdicts.count)
    for (report, verdict) in zip(run.reports, verdicts) {
      #expect(verdict.kinds.contains(report.crash["kind"].text ?? "none"), "\(report.crash.value!)")
      let number = try #require(report.signal["number"].int)
      #expect(verdict.signals.contains(number))
      if let code = verdict.code {
        #expect(report.signal["code"].int == code)
        #expect(report.signal["origin"].text == (code > 0 ? "kernel" : "user"))
      }
      #expect(report.crash["survives"].bool == (verdict.survives ? true : nil))
      if let access = verdict.access { #expect(report.signal["access"].text == access) }
      check(verdict.sender, report.signal["sender"], run)
      if verdict.hasSignalFrame, !verdict.isSecondFault { check(verdict.address, of: report) }
    }
  }

  /// Every verdict, the surest first: a false one behind the right one would be false as well.
  @Test(arguments: Scenario.reporting)
  func theVerdictsAreTheRightOnes(_ scenario: Scenario) async throws {
    let run = try await Experiment.of(scenario)
    for report in run.reports {
      let rules = report.json["diagnoses"].list.compactMap { $0["rule"].text }
      let kind = report.crash["kind"].text ?? ""
      #expect(
        rules == Self.rules(of: scenario.subject.mode, kind), "\(report.json["diagnoses"].value!)")
      let isMain = report.crashed?["id"].int == Int(run.watched.pid)
      #expect(report.crashed?["stack"]["kind"].text == (isMain ? "main" : "thread"))
    }
  }

  private static func rules(of mode: String, _ kind: String) -> [String] {
    switch kind {
    case "managed_exception": ["unhandled_exception"] + (faults[mode].map { [$0] } ?? [])
    case "fail_fast", "stack_overflow", "abort": [kind]
    case "raised_signal": ["signal_sent"]
    // A process that survived a signal dies of the next, in native-segv's function.
    default: [faults[mode] ?? "null_dereference"]
    }
  }

  /// What the native code of Tests/Fixtures/dotnet/native.c does wrong, and Crash.cs where it is unsafe.
  private static let faults = [
    "access-violation": "wild_pointer", "access-violation-near-null": "null_dereference",
    "null-reference": "null_dereference", "native-bus": "bus_error_past_end",
    "native-call-null": "call_through_null", "native-fpe": "division_by_zero",
    "native-ill": "trap_instruction", "native-trap": "breakpoint",
    "native-segv-non-canonical": "non_canonical_address",
    "native-segv-read-only": "write_to_read_only",
  ]

  private func check(_ sender: Case.Verdict.Sender, _ found: JSON, _ run: Experiment) {
    switch sender {
    case .none: #expect(!found.exists)
    case .tester: #expect(found["pid"].int == Int(getpid()) && found["uid"].int == Int(getuid()))
    case .itself:
      #expect(found["pid"].int == Int(run.watched.pid) && found["uid"].int == Int(getuid()))
    }
  }

  private func check(_ expected: Case.Verdict.Address, of report: ReportFile) {
    let address = report.signal["address"].address
    switch expected {
    case .none: #expect(address == nil)
    case .exactly(let value): #expect(address == value)
    case .nearNull: #expect((address ?? .max) < 4096)
    case .any: #expect((address ?? 0) > 4096)
    case .instruction: #expect(address != nil && address == report.frames.first?["ip"].address)
    }
    guard let address, case .any = expected, report.crash["kind"].text == "native_fault" else {
      return
    }
    let marked = report.json["memory_map"].list.filter { $0["fault"].bool == true }
    #expect(marked.count == 1)
    #expect(
      marked.first.map { $0["start"].address! <= address && address < $0["end"].address! } == true)
  }

  /// 8.0 tells createdump; for 3.1 it is known only to the program.
  @Test(arguments: Scenario.reporting)
  func theThreadIsTheOneThatCrashed(_ scenario: Scenario) async throws {
    let run = try await Experiment.of(scenario)
    for (index, report) in run.reports.enumerated() {
      // Signals from outside go to the main thread.
      let isSent = index == 0 && scenario.subject.signal != nil
      let expected = isSent ? Int(run.watched.pid) : run.crashThread
      #expect(report.crash["thread_id"].int == expected)
      #expect(report.crashed?["id"].int == expected)
      #expect(report.threads.first?["id"].int == expected, "the crashed thread comes first")
      #expect(report.threads.filter { $0["crashed"].bool == true }.count == 1)
      guard scenario.runtime == .net8, run.calls.count == 1 else { continue }
      let call = run.calls[0]
      let told = call.firstIndex(of: "--crashthread").map { call[$0 + 1] }
      #expect(told == "\(expected)")
    }
  }

  @Test(arguments: Scenario.reporting)
  func theProcessAndTheRuntimeAreTheRightOnes(_ scenario: Scenario) async throws {
    let run = try await Experiment.of(scenario)
    let runtime = scenario.runtime
    for report in run.reports {
      let process = report.json["process"]
      #expect(process["pid"].int == Int(run.watched.pid))
      #expect(process["parent_pid"].int == Int(getpid()))
      #expect(process["name"].text == "dotnet")
      #expect(process["executable"].text == runtime.dotnet)
      #expect(
        process["arguments"].list.map(\.text) == [
          runtime.dotnet, runtime.program, scenario.subject.mode,
        ])
      #expect(report.json["runtime"]["name"].text == ".NET")
      #expect(report.json["runtime"]["version"].text == runtime.rawValue)
      #expect(report.json["runtime"]["path"].text == runtime.framework + "/libcoreclr.so")
      #expect(report.json["report"]["trigger"].text == "crash")
      #expect(report.json["report"]["complete"].bool == true)
      let inspected = report.json["runtime"]["inspection"].text == "ok"
      #expect(inspected || report.limitations.contains { $0["stage"].text == "managed" })
    }
  }
}
