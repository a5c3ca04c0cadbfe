// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// Managed stack overflows: hundreds of thousands of frames, told in a few.
@Suite(.enabled(if: Lab.isReady, "run `make fixtures` first"))
struct OverflowTests {
  @Test(arguments: Scenario.throwing(.overflow))
  func everyFunctionOfTheRecursionIsNamed(_ scenario: Scenario) async throws {
    let report = try await Experiment.of(scenario).report
    let calls =
      scenario.subject.mode == "overflow-single"
      ? ["Recurse": "Recurse(depth + 1)"]
      : ["Ping": "Pong(depth + 1)", "Pong": "Ping(depth + 1)"]
    for (name, call) in calls {
      // Not the innermost one: the fault may well be in its first instruction.
      let frame = report.frames.last { MethodName($0.rawFunction ?? "").parts == ["Ends", name] }
      let found = try #require(frame, "\(name) in\n\(listing(report.frames.suffix(50)))")
      // No runtime prints the line; but the source has it.
      let source = try String(contentsOfFile: found["file"].text ?? "no file", encoding: .utf8)
      let line = source.components(separatedBy: "\n")[(found["line"].int ?? 0) - 1]
      #expect(line.contains("return \(call) + 1;"), "\(line)")
    }
    let last = report.frames.last { $0["kind"].text == "managed" && $0["file"].exists }
    let outermost = scenario.subject.mode == "overflow-thread" ? "OnThread" : "Throws.Main("
    #expect(last?.rawFunction?.contains(outermost) == true, "\(listing(report.frames))")
  }

  @Test(arguments: Scenario.throwing(.overflow))
  func itIsFolded(_ scenario: Scenario) async throws {
    let run = try await Experiment.of(scenario)
    let report = try run.report
    #expect(report.crash["kind"].text == "stack_overflow")
    #expect(report.crash["thread_id"].int == run.crashThread)
    #expect((3...300).contains(report.frames.count))
    let folded = report.frames.filter { $0["repeated"].exists }
    #expect(folded.count == 1)
    let expected = scenario.subject.mode == "overflow-single" ? 1 : 2
    #expect(folded.first?["repeated"]["frames"].int == expected)
    // 8.0 has counted them too; our own stack may begin some frames later.
    if let times = try run.words.repeated?.times, let ours = folded.first?["repeated"]["times"].int
    {
      #expect(abs(ours - times) < times / 50, "\(ours), not \(times)")
    } else {
      #expect(scenario.runtime == .core3)
    }
    #expect((folded.first?["repeated"]["times"].int ?? 0) > 1000)
  }

  /// 3.1 prints no stack at all.
  @Test(arguments: Scenario.throwing(.overflow).filter { $0.runtime == .net8 })
  func everyPrintedFrameIsThere(_ scenario: Scenario) async throws {
    let run = try await Experiment.of(scenario)
    let words = try run.words
    #expect(words.heading == .overflow && words.repeated != nil && words.frames.count >= 3)
    // It begins to count where we may not.
    let outer = words.frames.suffix(from: words.repeated?.range.upperBound ?? 0)
    let frames = try run.report.frames
    let lost = missing(Array(outer), in: frames)
    #expect(!outer.isEmpty && lost.isEmpty, "in\n\(listing(frames))")
  }

  @Test(arguments: Scenario.throwing(.overflow))
  func itTakesSeconds(_ scenario: Scenario) async throws {
    let run = try await Experiment.of(scenario)
    #expect(run.watched.ending == .killed(SIGABRT))
    #expect((try run.report.json["report"]["timing"]["total_ms"].double ?? .infinity) < 60_000)
    let size = try Data(contentsOf: URL(fileURLWithPath: run.report.path)).count
    #expect(size < 4_000_000)
  }
}
