// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// A library in the debugging library's place that bears the right version, and does something else. See
/// Tests/Fixtures/dotnet/hostile-dac.c.
@Suite(.enabled(if: Lab.isReady, "run `make fixtures` first"))
struct HostileLibraryTests {
  /// What it does while it is loaded, what the report says, and whether that is a refusal or a failure.
  struct Act: Sendable, CustomStringConvertible {
    var name: String
    var words: String
    var inspection = "failed"
    var description: String { name }
  }

  private static let acts = [
    Act(name: "crash", words: "ended by SIGSEGV while loading"),
    Act(name: "hang", words: "hung while loading"),
    Act(name: "spin", words: "hung while loading"),
    Act(name: "stop", words: "hung while loading"),
    Act(name: "leave", words: "ended by itself while loading"),
    Act(name: "babble", words: "ended by itself while loading"),
    // Denied all of it, it is merely no debugging library.
    Act(name: "breed", words: "no data access library", inspection: "unavailable"),
    Act(name: "fill", words: "no data access library", inspection: "unavailable"),
    Act(name: "greet_at_length", words: "talked nonsense while loading"),
    Act(name: "greet_with_a_story", words: "cannot be loaded", inspection: "unavailable"),
  ]

  @Test(arguments: acts, Runtime.allCases)
  func whatEverItDoes(_ act: Act, _ runtime: Runtime) async throws {
    let broken = try await BrokenRuntime(runtime, acting: act.name)
    for trigger in Inspected.Trigger.allCases {
      let look = try await Inspected.of(
        trigger, on: runtime, dotnet: broken.dotnet, environment: ["INQUEST_TIMEOUT": "12"])
      try await look.expectIntact()
      look.expectNoNames(act.inspection, act.words)
      #expect((look.report.json["report"]["timing"]["total_ms"].double ?? .infinity) < 6000)
      #expect((look.report.json["report"]["timing"]["frozen_ms"].double ?? .infinity) < 500)
    }
  }

  /// It says that it is ready, and answers every question with lies: what they cost is names, or the truth
  /// of names; whoever controls the library could have had these by giving its methods other names.
  @Test(
    arguments: [
      "lie_at_length", "lie_at_random", "lie_with_ones", "answer_nothing", "dawdle",
    ], Runtime.allCases)
  func whateverItSays(_ act: String, _ runtime: Runtime) async throws {
    let broken = try await BrokenRuntime(runtime, acting: act)
    for trigger in Inspected.Trigger.allCases {
      let look = try await Inspected.of(
        trigger, on: runtime, dotnet: broken.dotnet, environment: ["INQUEST_TIMEOUT": "12"])
      try await look.expectIntact()
      let timing = look.report.json["report"]["timing"]
      #expect((timing["total_ms"].double ?? .infinity) < 7000)
      #expect((timing["frozen_ms"].double ?? .infinity) < 2500)
      // The worker has survived: no stage was skipped.
      #expect(look.report.limitations.allSatisfy { $0["problem"].text?.contains("worker") != true })
      #expect(!look.managedFrames.isEmpty)
      let size = try FileManager.default.attributesOfItem(atPath: look.report.path)[.size]
      #expect((size as? NSNumber)?.intValue ?? .max < 4 << 20)
    }
  }
}
