// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// A live process in which every thread is blocked where it said that it would be.
@Suite(.enabled(if: Lab.isReady, "run `make fixtures` first"))
struct LiveManagedTests {
  struct Look: Sendable {
    var report: ReportFile
    var threads: [BlockedThread]
    var outcome: Outcome
  }

  private static let looks = Once<Runtime, Look> { runtime in
    try await Gate.programs.run {
      var place = try Run.Place("wait", on: runtime, .off)
      place.words = [runtime.dotnet, runtime.program("Throws"), "wait"]
      let program = try place.start(readsInput: true)
      guard await program.wait(20, until: { program.output.hasSuffix("ready\n") }) else {
        throw LabFailure(description: "never was ready: \(program.output)\(program.errors)")
      }
      try await Task.sleep(for: .milliseconds(200))
      let path = place.folder + "/live.json"
      _ = try await Program.output(
        [Lab.collector, "capture", "--pid", "\(program.pid)", "--output", path])
      let threads = BlockedThread.all(in: program.output)
      program.write("go on\n")
      let outcome = await program.finish(within: 20)
      return Look(report: try ReportFile(path), threads: threads, outcome: outcome)
    }
  }

  @Test(arguments: Runtime.allCases)
  func everyBlockedMethodIsNamed(_ runtime: Runtime) async throws {
    let look = try await Self.looks.value(runtime)
    let names = [
      "monitor-waiter", "task-waiter", "thread-sleeper", "callback-waiter", "event-waiter",
      "generic-waiter", "catcher", "acceptor", "main",
    ]
    #expect(look.threads.map(\.name).sorted() == names.sorted())
    for told in look.threads {
      let thread = try #require(look.report.threads.first { $0["id"].int == told.id })
      #expect(thread["managed"]["id"].int == told.managedID, "\(told.name)")
      #expect(told.frames.first?.line != nil)
      let lost = missing(told.reliable(runtime), in: thread["frames"].list)
      #expect(lost.isEmpty, "of \(told.name) in\n\(listing(thread["frames"].list))")
      #expect(thread["complete"].bool == true)
      // 3.1 does not tell the kernel.
      if runtime == .net8, told.name != "main" { #expect(thread["name"].text == told.name) }
    }
  }

  /// Managed code, native code, managed code.
  @Test(arguments: Runtime.allCases)
  func callbacksAreInterleaved(_ runtime: Runtime) async throws {
    let look = try await Self.looks.value(runtime)
    let told = try #require(look.threads.first { $0.name == "callback-waiter" })
    let thread = try #require(look.report.threads.first { $0["id"].int == told.id })
    let frames = thread["frames"].list
    let order = ["SleepNow", "call", "crash_call_back", "SleepCalledBack"].map { name in
      frames.firstIndex { MethodName($0.rawFunction ?? "").parts.last == name }
    }
    #expect(!order.contains(nil), "\(listing(frames))")
    #expect(order.compactMap(\.self).sorted() == order.compactMap(\.self))
    let kinds = order.compactMap(\.self).map { frames[$0]["kind"].text }
    #expect(kinds == ["managed", "native", "native", "managed"])
  }

  @Test(arguments: Runtime.allCases)
  func anExceptionBeingHandledIsNamed(_ runtime: Runtime) async throws {
    let look = try await Self.looks.value(runtime)
    for told in look.threads where ["catcher", "thread-sleeper"].contains(told.name) {
      let thread = try #require(look.report.threads.first { $0["id"].int == told.id })
      let expected = told.name == "catcher" ? "System.IO.InvalidDataException" : nil
      #expect(thread["managed"]["exception_type"].text == expected)
    }
  }

  @Test(arguments: Runtime.allCases)
  func theProcessLivesOn(_ runtime: Runtime) async throws {
    let look = try await Self.looks.value(runtime)
    #expect(look.outcome.ending == .exited(0))
    #expect(look.outcome.output.hasSuffix("survived\n"))
    #expect(look.report.crash["kind"].text == "none")
    #expect(!look.report.json["exception"].exists)
    #expect(look.report.json["runtime"]["inspection"].text == "ok")
    #expect(try await ReportFile.violations([look.report.path]) == "")
  }
}
