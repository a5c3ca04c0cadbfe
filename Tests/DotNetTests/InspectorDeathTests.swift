// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// The process that runs the runtime's debugging library dies, or hangs, at each of its points: that costs
/// one answer as long as there is a successor, and names when there is none; never a report.
@Suite(.enabled(if: Lab.isReady, "run `make fixtures` first"))
struct InspectorDeathTests {
  typealias Trigger = Inspected.Trigger

  /// In order; what is asked of every process first.
  private static let points = [
    "inspector", "inspector-threads", "inspector-method", "inspector-module",
  ]

  private func expectNamed(_ look: Inspected) {
    #expect(look.inspection == "ok")
    let named = look.managedFrames.filter { $0["managed"].exists }
    #expect(named.count > look.managedFrames.count / 2)
  }

  private func expectOneProblem(_ look: Inspected, _ how: String) throws {
    #expect(!look.limitations.isEmpty, "\(look.problems)")
    let limitation = try #require(look.limitations.first)
    #expect(limitation["problem"].text?.contains(how) == true)
    #expect((limitation["effect"].text ?? "").count > 10)
    #expect((limitation["remedy"].text ?? "").count > 20)
  }

  /// It is asked the same again: nothing is missing. That it died at all is proven by `:always` below.
  @Test(arguments: points + ["inspector-exception"], Runtime.allCases)
  func aSuccessorTakesOver(_ point: String, _ runtime: Runtime) async throws {
    for trigger in Trigger.allCases {
      let look = try await Inspected.of(trigger, on: runtime, environment: ["INQUEST_FAULT": point])
      try await look.expectIntact()
      #expect(look.limitations.isEmpty, "\(look.problems)")
      expectNamed(look)
      #expect(look.seconds < 20)
      if trigger == .crash {
        #expect(look.report.json["exception"]["type"].text == "System.InvalidOperationException")
      }
      #expect(look.report.threads.contains { $0["managed"]["id"].exists })
    }
  }

  @Test(arguments: points, Runtime.allCases)
  func aSuccessorTakesOverFromOneThatHangs(_ point: String, _ runtime: Runtime) async throws {
    for trigger in Trigger.allCases {
      let look = try await Inspected.of(
        trigger, on: runtime,
        environment: ["INQUEST_FAULT": point + ":hang", "INQUEST_TIMEOUT": "9"])
      try await look.expectIntact()
      try expectOneProblem(look, "hung")
      expectNamed(look)
      let timing = look.report.json["report"]["timing"]
      #expect((timing["total_ms"].double ?? .infinity) < 4000)
      #expect((timing["frozen_ms"].double ?? .infinity) < 1500)
    }
  }

  /// The exception is what the report is about: the stack still tells where it was thrown.
  @Test(arguments: ["inspector-exception:always", "inspector-exception:hang"], Runtime.allCases)
  func withoutTheException(_ fault: String, _ runtime: Runtime) async throws {
    let look = try await Inspected.of(.crash, on: runtime, environment: ["INQUEST_FAULT": fault])
    try await look.expectIntact()
    try expectOneProblem(look, "while reading the exception")
    expectNamed(look)
    #expect(!look.report.json["exception"].exists)
    #expect(look.report.frames.first?["function"].text == "Crash.Deeper")
    #expect((look.report.json["report"]["timing"]["frozen_ms"].double ?? .infinity) < 1500)
  }

  @Test(
    arguments: [
      "inspector-failFast:always", "inspector-failFast:hang", "inspector-methodByDescriptor:hang",
    ], Runtime.allCases)
  func withoutWhatFailFastWasTold(_ fault: String, _ runtime: Runtime) async throws {
    let look = try await Inspected.of(
      .crash, on: runtime, mode: "fail-fast", environment: ["INQUEST_FAULT": fault])
    try expectOneProblem(look, fault.hasSuffix("hang") ? "hung" : "ended by SIGSEGV")
    expectNamed(look)
    #expect(try await ReportFile.violations([look.report.path]) == "")
    #expect(look.outcome.ending == .killed(SIGABRT))
    // Which method the native function implements is told by its descriptor.
    let isNamed = look.report.frames.contains {
      $0["function"].text?.contains("FailFast") == true
    }
    #expect(isNamed == fault.hasPrefix("inspector-failFast"))
    #expect(look.report.crash["kind"].text == (isNamed ? "fail_fast" : "abort"))
    #expect((look.report.json["report"]["timing"]["frozen_ms"].double ?? .infinity) < 1500)
  }

  /// Whoever comes next dies at the same point: it ends after a few, soon enough.
  @Test(arguments: ["inspector:always", "inspector:hang:always"], Runtime.allCases)
  func noneCanLoadTheLibrary(_ fault: String, _ runtime: Runtime) async throws {
    for trigger in Trigger.allCases {
      let look = try await Inspected.of(
        trigger, on: runtime, environment: ["INQUEST_FAULT": fault, "INQUEST_TIMEOUT": "9"])
      try await look.expectIntact()
      look.expectNoNames("failed", "while loading")
      #expect((look.report.json["report"]["timing"]["total_ms"].double ?? .infinity) < 4000)
    }
  }

  @Test(
    arguments: [
      "inspector-method:always", "inspector-method:hang:always", "inspector-threads:always",
      "inspector-threads:hang:always",
    ], Runtime.allCases)
  func noneCanAnswer(_ fault: String, _ runtime: Runtime) async throws {
    for trigger in Trigger.allCases {
      let look = try await Inspected.of(
        trigger, on: runtime, environment: ["INQUEST_FAULT": fault, "INQUEST_TIMEOUT": "9"])
      try await look.expectIntact()
      #expect(look.problems.contains { $0.contains(fault.contains("hang") ? "hung" : "SIGSEGV") })
      let timing = look.report.json["report"]["timing"]
      #expect((timing["total_ms"].double ?? .infinity) < 5000)
      #expect((timing["frozen_ms"].double ?? .infinity) < 2500)
      // The list of threads is asked for once; its death costs no more than that.
      guard fault.hasPrefix("inspector-method") else { continue }
      #expect(look.inspection == "failed")
      #expect(look.managedFrames.allSatisfy { !$0["managed"].exists })
      #expect(look.managedFrames.contains { $0["trust"].text == "frame_pointer" })
      guard trigger == .crash else { continue }
      // What was told before is kept.
      #expect(look.report.json["exception"]["type"].text == "System.InvalidOperationException")
      #expect(look.report.crash["kind"].text == "managed_exception")
    }
  }

  // MARK: Killed from outside

  /// The worker's child that has the library loaded, or is about to load it.
  private static func inspector(below pid: pid_t, loaded: Bool) -> pid_t? {
    let ours = Inspected.family(of: pid).filter(Inspected.isOurs)
    guard ours.count == 3, let last = ours.last else { return nil }
    let maps = try? String(contentsOfFile: "/proc/\(last)/maps", encoding: .utf8)
    return maps?.contains("/libmscordaccore.so") == loaded ? last : nil
  }

  @Test(
    .enabled(if: getuid() == 0, "needs root to see what an undumpable process maps"),
    // What is asked while the process stands still has no time for somebody else's kill on a busy machine.
    arguments: ["inspector", "inspector-method", "inspector-module"], Runtime.allCases)
  func killedFromOutside(_ point: String, _ runtime: Runtime) async throws {
    for trigger in Trigger.allCases {
      let look = try await Inspected.of(
        trigger, on: runtime, environment: ["INQUEST_FAULT": point + ":hang"]
      ) { program in
        var found: pid_t?
        _ = await program.wait(20) {
          found = Self.inspector(below: program.pid, loaded: point != "inspector")
          return found != nil
        }
        // It hangs by now, or is about to.
        try await Task.sleep(for: .milliseconds(100))
        kill(try #require(found), SIGKILL)
      }
      try await look.expectIntact()
      #expect(look.limitations.isEmpty, "\(look.problems)")
      expectNamed(look)
    }
  }

  /// Its worker is killed, so nobody would read its answers or end it.
  @Test(
    .enabled(if: getuid() == 0, "needs root to see what an undumpable process maps"),
    arguments: Runtime.allCases)
  func anInspectorDoesNotOutliveItsWorker(_ runtime: Runtime) async throws {
    let look = try await Inspected.of(
      .crash, on: runtime, environment: ["INQUEST_FAULT": "inspector-method:hang"]
    ) { program in
      var found: pid_t?
      _ = await program.wait(20) {
        found = Self.inspector(below: program.pid, loaded: true)
        return found != nil
      }
      try await Task.sleep(for: .milliseconds(100))
      let ours = Inspected.family(of: program.pid).filter(Inspected.isOurs)
      kill(try #require(ours.dropLast().last), SIGKILL)
      let inspector = try #require(found)
      try await Task.sleep(for: .milliseconds(100))
      #expect(!Inspected.isOurs(inspector), "\(inspector) lives on")
    }
    #expect(look.outcome.ending == .killed(SIGABRT))
    #expect(look.report.limitations.contains { $0["problem"].text?.contains("SIGKILL") == true })
    #expect(try await ReportFile.violations([look.report.path]) == "")
  }
}
