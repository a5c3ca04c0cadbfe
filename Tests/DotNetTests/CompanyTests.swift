// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// Crashes in company: of two threads at once, and of processes that the application has started.
@Suite(.enabled(if: Lab.isReady, "run `make fixtures` first"))
struct CompanyTests {
  /// 8.0 lets one thread win. 3.1 launches a createdump for each, and may die before any of them has looked,
  /// or even before the shim could see whose child it is: then there is no report.
  @Test(arguments: ["exception-two-threads", "native-segv-two-threads"], Runtime.allCases)
  func twoThreadsAtOnce(_ mode: String, _ runtime: Runtime) async throws {
    let plain = try await Run.of(mode, on: runtime, .off)
    let run = try await Gate.programs.run {
      let place = try Run.Place(mode, on: runtime, .on)
      let program = try place.start()
      _ = await program.finish()
      // On 3.1 nobody may be waiting for the collector any more: let it have its last word.
      for _ in 0..<500
      where program.errors.split(separator: "\n").count(where: { $0.hasPrefix("inquest: ") }) % 2
        != 0
      {
        try await Task.sleep(for: .milliseconds(10))
      }
      return try await place.finish(program)
    }
    #expect(run.outcome.ending == plain.outcome.ending)
    #expect(run.outcome.output == plain.outcome.output)
    let fewest = runtime == .core3 && mode == "native-segv-two-threads" ? 0 : 1
    #expect((fewest...(runtime == .core3 ? 2 : 1)).contains(run.reports.count))
    #expect(run.outcome.ourLines.count == 2 * run.reports.count)
    for report in run.reports {
      #expect(report.json["process"]["pid"].int == Int(run.outcome.pid))
      guard report.crash["kind"].text != "unknown" else {
        #expect(runtime == .core3 && mode == "native-segv-two-threads")
        #expect(!report.signal.exists)
        continue
      }
      let isFault = mode == "native-segv-two-threads"
      #expect(isFault == (report.crash["kind"].text == "native_fault"))
      #expect(report.crash["thread_id"].int != Int(run.outcome.pid))
    }
    #expect(try await ReportFile.violations(run.reports.map(\.path)) == "")
  }

  @Test(arguments: Runtime.allCases)
  func inAChildOfTheApplication(_ runtime: Runtime) async throws {
    let run = try await Run.of("exception-in-child", on: runtime, .on)
    #expect(run.outcome.ending == .exited(0))
    #expect(run.outcome.output == "child ended with 134\nsurvived\n")
    let report = try #require(run.reports.first)
    #expect(run.reports.count == 1)
    #expect(report.json["process"]["parent_pid"].int == Int(run.outcome.pid))
    #expect(report.json["process"]["arguments"].list.last?.text == "exception")
  }

  @Test(arguments: Runtime.allCases)
  func belowAShell(_ runtime: Runtime) async throws {
    let run = try await Gate.programs.run {
      var place = try Run.Place("native-segv", on: runtime, .on)
      place.words = [
        Lab.inquest, "run", "--", "/bin/sh", "-c",
        "'\(runtime.dotnet)' '\(runtime.program)' native-segv; echo ended with $?",
      ]
      return try await place.finish(try place.start())
    }
    #expect(run.outcome.ending == .exited(0))
    #expect(run.outcome.output == "ended with 139\n")
    #expect(run.reports.count == 1)
    #expect(run.reports.first?.function(0) == "write_to")
  }
}
