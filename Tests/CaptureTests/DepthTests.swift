import Foundation
import Report
import TestSupport
import Testing

/// Deep recursion: every frame is counted, and the repetition folded. `deep` and `rounds` know how deep
/// they are; eu-stack counts the frames of the whole thread.
@Suite(.timeLimit(.minutes(5))) struct DepthTests {
  private static let functions = ["one", "two", "three", "four"]

  private struct Rounds {
    var fixture: Fixture
    var depth: Int

    init(_ depth: Int, period: Int, _ mode: String...) throws {
      let child = try Child([Places.native("rounds"), "\(depth)", "\(period)"] + mode)
      let line = try child.line(timeout: 30)
      guard line.hasPrefix("depth "), let said = Int(line.dropFirst(6)) else {
        throw TestFailure("it said \"\(line)\"")
      }
      fixture = try Fixture(child)
      self.depth = said
    }

    /// Frames of the deepest thread, as eu-stack counts them.
    func framesForElfutils() throws -> Int {
      // A million lines: counted by somebody quick.
      let count =
        "eu-stack -n 0 -q -p $0 | awk '/^TID/ {n = 0} /^#/ && ++n > most {most = n} END {print most}'"
      let text = try output(of: ["sh", "-c", count, "\(fixture.pid)"], timeout: 60)
      return Int(text.dropLast()) ?? 0
    }
  }

  @Test(arguments: [100_000, 1_000_000], [1, 2, 3])
  func recursionIsCountedAndFolded(depth: Int, period: Int) throws {
    let rounds = try Rounds(depth, period: period)
    let captured = try Captured(rounds.fixture.pid)
    let thread = try #require(captured.report.threads.max { $0.frameCount < $1.frameCount })
    #expect(rounds.depth == depth)
    #expect(thread.frameCount == (try rounds.framesForElfutils()))
    #expect(thread.complete && thread.endReason == .outermost)
    #expect(captured.limitations("walk").isEmpty)

    // Of the innermost call only, the return address is another one: it has called `bottom`.
    let folds = thread.frames.indices.filter { thread.frames[$0].repeated != nil }
    let fold = try #require(folds.first)
    #expect(folds.count == 1)
    let repeated = try #require(thread.frames[fold].repeated)
    #expect(repeated == Frame.Repeated(frames: period, times: (depth - 1) / period))
    let listed = thread.frames.count
    #expect(listed + (repeated.times - 1) * period == thread.frameCount, "nothing is left out")

    // Nothing but a few frames at each end, those inside the fold in their order, and both ends true.
    let names = thread.functions
    let innermost = (depth - 1) % period
    let round = (0..<period).map { Self.functions[(innermost + period - 1 - $0) % period] }
    let ends = try #require(names.firstIndex(of: "bottom"))
    #expect(names[ends + 1] == Self.functions[innermost])
    #expect(fold == ends + 2 && Array(names[fold..<fold + period]) == round)
    let rest = (depth - 1) % period
    #expect(names[fold + period + rest] == "begin")
    // Of libc's own functions only debug information knows some.
    #expect(["clone", "clone3", "__clone3", "?"].contains(names.last))
    #expect(listed < 30)
  }

  /// Through four functions in turn: too long a round to be folded, so that the middle is left out.
  @Test func whatIsNotFoldedIsCounted() throws {
    let rounds = try Rounds(100_000, period: 4)
    let thread = try #require(
      try Captured(rounds.fixture.pid).report.threads.max { $0.frameCount < $1.frameCount })
    #expect(thread.frameCount == (try rounds.framesForElfutils()))
    #expect(thread.complete)
    #expect(thread.frames.allSatisfy { $0.repeated == nil })
    let names = thread.functions
    #expect(names.count < 1000 && names.contains("bottom") && names.contains("begin"))
    // Of libc's own functions only debug information knows some.
    #expect(["clone", "clone3", "__clone3", "?"].contains(names.last))
  }

  /// The stack has changed long before it is walked to its end: what counts is the copy.
  @Test func aDeepStackThatMovesIsWholeAllTheSame() throws {
    let rounds = try Rounds(1_000_000, period: 2, "moving")
    for _ in 0..<4 {
      let thread = try #require(
        try Captured(rounds.fixture.pid).report.threads.first { $0.functions.contains("begin") })
      #expect(thread.complete, "\(thread.frameCount) frames, then \(thread.endReason)")
      let names = Set(thread.functions.filter { Self.functions.contains($0) })
      #expect(
        names.isSubset(of: ["one", "two"]) || names.isSubset(of: ["three", "four"]), "\(names)")
    }
  }

  /// Of a stack in the middle of a large mapping only the inner end is copied, and the rest read when it has
  /// changed: then that is said.
  @Test(arguments: [10, 60]) func aFibre(depth: Int) throws {
    let fixture = try Fixture("fibre", "\(depth)")
    for _ in 0..<3 {
      let captured = try Captured(fixture.pid)
      let thread = try #require(captured.report.threads.first { $0.functions.contains("run") })
      let isCopied = depth * 8192 < 200_000
      let said = captured.limitations("walk").filter { $0.problem.contains("after they ran on") }
      #expect(said.isEmpty == isCopied)
      guard isCopied else { continue }
      #expect(
        Set(thread.functions).isDisjoint(with: ["even"])
          || Set(thread.functions).isDisjoint(with: ["odd"]))
    }
  }
}
