import Foundation
import Report
import TestSupport
import Testing

/// For how long a capture stops its target: what the report says, against what the target's own threads saw.
///
/// No time is asserted by itself. A busy machine lengthens single captures, of which the best of a few is
/// taken: what is measured wrongly is so each time.
@Suite(.serialized, .timeLimit(.minutes(5))) struct FreezeTimeTests {
  private static let attempts = 6

  /// One has stacks of 7 MB to copy, the other many threads to stop and to release: most of each freeze.
  @Test(arguments: [["big_stacks"], ["threads", "1000", "10"]])
  func frozenIsWhatTheTargetSaw(program: [String]) throws {
    let watch = try StopWatch()
    let words = [try Places.native(program[0])] + program[1...]
    let fixture = try Fixture(words: words, environment: try watch.environment)
    var seen: [String] = []
    for _ in 0..<Self.attempts {
      let (pause, captured) = try watch.pause { try Captured(fixture.pid) }
      let frozen = try #require(captured.report.report.timing.frozenMS)
      seen.append("frozen_ms \(frozen), seen \(pause.whole) ms")
      // The watchers are among the first and the last to be stopped. They look every 100 µs, and may
      // have to wait for a processor.
      if abs(pause.whole - frozen) <= 1 + frozen * 0.02 { return }
    }
    Issue.record("\(seen.joined(separator: "\n"))")
  }

  /// The copying is given up, and everybody runs on, well before it would have been done.
  @Test func theFreezeBudgetIsKept() throws {
    let watch = try StopWatch()
    let fixture = try Fixture("big_stacks", environment: try watch.environment)
    var (whole, cut) = (Double.infinity, Double.infinity)
    for _ in 0..<Self.attempts {
      let (free, all) = try watch.pause { try Captured(fixture.pid, "--max-freeze", "30000") }
      #expect(all.limitations("freeze").isEmpty)
      let (bounded, part) = try watch.pause { try Captured(fixture.pid, "--max-freeze", "1") }
      #expect(part.limitations("freeze").contains { $0.problem.contains("budget") })
      #expect(part.report.threads.count == all.report.threads.count)
      whole = min(whole, free.longest)
      cut = min(cut, bounded.longest)
      if cut < whole / 3 { return }
    }
    Issue.record("stopped for \(cut) ms with a budget of 1 ms, \(whole) ms without")
  }
}
