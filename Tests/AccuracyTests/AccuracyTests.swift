import Glibc
import Report
import TestSupport
import Testing

/// Our frames of real programs, against gdb's of the same processes: every thread, every frame.
@Suite(.timeLimit(.minutes(5))) struct AccuracyTests {
  private static let programs = [
    "gcc-O0", "gcc-O2", "gcc-O3-lto", "gcc-Os-no-pie", "gcc-static-pie", "clang-O2",
    "gcc-O2-stripped", "gcc-O3-lto-stripped", "gcc-O2-debuglink",
    "rust-O0", "rust-O3", "rust-O3-stripped", "go",
  ]

  @Test(arguments: programs) func framesEqualTheDebuggers(program: String) throws {
    let fixture = try Fixture(words: [Places.accuracy(program)])
    // What said that it is set has one system call left to make.
    #expect(eventually(10) { fixture.states.values.allSatisfy { $0 == "S" } })
    // Go has a thread that wakes up now and then.
    kill(fixture.pid, SIGSTOP)
    let captured = try Captured(fixture.pid)
    let debugger = try debuggerFrames(fixture.pid)
    let comparison = try Comparison(captured.report, debugger: debugger)

    let (all, same) = comparison.physical
    print("\(program): \(same) of gdb's \(all) frames")
    #expect(debugger.count == captured.report.threads.count)
    #expect(all > 100 && same * 100 >= all * 98, "\(same) of \(all)")
    #expect(comparison.misspelled.isEmpty)
    let unexplained = comparison.differences.filter { Explanation.of($0) == nil }
    #expect(
      unexplained.isEmpty, "\(Set(unexplained).map(\.description).sorted().joined(separator: "\n"))"
    )
    for difference in Set(comparison.differences) where Explanation.of(difference) != nil {
      print("\(program): \(difference)")
    }
    if comparison.hasLines {
      let (all, same) = comparison.sourceFrames
      print("\(program): \(same) of gdb's \(all) frames with function, file and line")
      #expect(same * 100 >= all * 98, "\(same) of \(all)")
    }
    for thread in captured.report.threads {
      #expect(
        thread.complete || Comparison.endsInSwitch(thread),
        "\(thread.name ?? "?"): \(thread.endReason), \(thread.functions)")
      #expect(thread.frameCount == Comparison.unfolded(thread.frames).count(where: \.isPhysical))
    }
  }
}
