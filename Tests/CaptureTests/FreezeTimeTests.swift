import Foundation
import Report
import TestSupport
import Testing

/// For how long a capture stops its target: what the report says, against what the target's own threads saw.
///
/// No time is asserted by itself. A busy machine lengthens single captures, of which the best of a few is
/// taken: what is measured wrongly is so each time.
@Suite(.serialized, .timeLimit(.minutes(2))) struct FreezeTimeTests {
  private static let attempts = 6

  /// 24 stacks of 7 MB have to be copied, which takes longer than everything that a freeze does besides.
  @Test func frozenIsWhatTheTargetSaw() throws {
    let watch = try StopWatch()
    let fixture = try Fixture("big_stacks", environment: try watch.environment)
    var seen: [String] = []
    for _ in 0..<Self.attempts {
      let (pause, captured) = try watch.pause { try Captured(fixture.pid) }
      let frozen = try #require(captured.report.report.timing.frozenMS)
      seen.append("frozen_ms \(frozen), seen \(pause.early) and \(pause.late) ms")
      // Both watchers stand still from almost the first stop to almost the last release. They look every
      // 100 µs, and may have to wait for a processor.
      if abs(pause.longest - frozen) <= 1 + frozen * 0.05 { return }
    }
    Issue.record("\(seen.joined(separator: "\n"))")
  }

  /// The copying is given up, and everybody runs on, well before it would have been done.
  @Test func theFreezeBudgetIsKept() throws {
    let watch = try StopWatch()
    let fixture = try Fixture("big_stacks", environment: try watch.environment)
    var (whole, cut) = (Double.infinity, Double.infinity)
    for _ in 0..<Self.attempts {
      let (free, all) = try watch.pause { try Captured(fixture.pid) }
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
