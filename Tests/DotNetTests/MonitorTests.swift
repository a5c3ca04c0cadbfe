// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// Which object's lock a managed thread waits for and who holds it, by what the threads have printed themselves.
@Suite(.enabled(if: Lab.isReady, "run `make fixtures` first"))
struct MonitorTests {
  @Test(arguments: Runtime.allCases)
  func everyMonitorIsToldWithItsOwner(_ runtime: Runtime) async throws {
    let (report, output) = try await capture(runtime)
    let lines = output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    let told = lines.filter { ["waits", "idle"].contains($0[0]) }
    #expect(told.count { $0[0] == "waits" } == 7 && told.count { $0[0] == "idle" } == 3)
    for words in told {
      let thread = try #require(report.threads.first { $0["id"].int == Int(words[1]) })
      let wait = thread["waits_for"]
      #expect(wait.exists == (words[0] == "waits"), "\(words)")
      guard words[0] == "waits" else { continue }
      #expect(wait["kind"].text == "monitor")
      #expect(wait["address"].text == words[2], "\(words)")
      #expect(wait["type"].text == words[3], "\(words)")
      #expect(wait["owner_thread_id"].int == Int(words[4]), "\(words)")
    }
    // The program's own lock-waiter, which prints nothing, and nobody else.
    #expect(report.threads.count { $0["waits_for"].exists } == 8)
    #expect(report.limitations.isEmpty)
    #expect(report.json["diagnoses"][0]["rule"].text == "deadlock", "two threads, two locks")
    #expect(try await ReportFile.violations([report.path]) == "")
  }

  /// Without the answer there are stacks, and the rest of what the runtime says.
  @Test(arguments: ["inspector-monitors:always", "inspector-monitors:hang"], Runtime.allCases)
  func withoutTheLocks(_ fault: String, _ runtime: Runtime) async throws {
    let (report, _) = try await capture(runtime, environment: ["INQUEST_FAULT": fault])
    #expect(report.threads.allSatisfy { !$0["waits_for"].exists })
    let effects = report.limitations.compactMap { $0["effect"].text }
    #expect(effects.count { $0.contains("who holds the locks") } == 1, "\(effects)")
    #expect(report.json["runtime"]["inspection"].text == "ok")
    #expect(report.threads.count { $0["managed"]["id"].exists } > 10)
    #expect((report.json["report"]["timing"]["frozen_ms"].double ?? .infinity) < 1500)
  }

  private func capture(
    _ runtime: Runtime, environment: [String: String] = [:]
  ) async throws -> (ReportFile, output: String) {
    try await Gate.programs.run {
      var place = try Run.Place("locks", on: runtime, .off)
      place.words = [runtime.dotnet, runtime.program("Throws"), "locks"]
      let program = try place.start(readsInput: true)
      guard await program.wait(20, until: { program.output.hasSuffix("ready\n") }) else {
        throw LabFailure(description: "never was ready: \(program.output)\(program.errors)")
      }
      let path = place.folder + "/locks.json"
      _ = try await Program.output(
        environment.map { "\($0)=\($1)" }
          + [Lab.collector, "capture", "--pid", "\(program.pid)", "--output", path],
        acceptsFailure: !environment.isEmpty)
      let output = program.output
      program.write("go on\n")
      _ = await program.finish(within: 20)
      return (try ReportFile(path), output)
    }
  }
}
