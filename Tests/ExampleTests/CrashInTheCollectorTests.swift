import Foundation
import Report
import TestSupport
import Testing

/// examples/crash-in-the-collector: libunwind's issue 739 on the libunwind that Debian ships, and our collector on
/// the same process.
@Suite(.timeLimit(.minutes(5))) struct CrashInTheCollectorTests {
  private let example = Example(name: "crash-in-the-collector")

  /// - Returns: the running victim, and the thread of it that spins in code from no ELF file.
  private func victim(_ scratch: Scratch, threads: Int, depth: Int) throws -> (Fixture, Int32) {
    let child = try Child([
      example.program("victim"), scratch.file("no-elf"), "\(threads)", "\(depth)",
    ])
    let words = try child.line().split(separator: " ")
    guard words.first == "spinner", let thread = words.last.flatMap({ Int32($0) }) else {
      throw TestFailure("it said \(words)")
    }
    return (try Fixture(child), thread)
  }

  @Test func stockLibunwindUnmapsMemoryOfItsUser() throws {
    let scratch = try Scratch()
    let (fixture, spinner) = try victim(scratch, threads: 0, depth: 0)
    let outcome = try run([example.program("stock"), "\(spinner)"])
    #expect(outcome.status == 3, "\(outcome)")
    #expect(outcome.text.contains("gone, unmapped by libunwind"))
    #expect(fixture.runs())
  }

  /// That it is the missing ELF header that does it, and not the tool.
  @Test func stockLibunwindLosesNothingWhereTheFileCannotBeOpened() throws {
    let scratch = try Scratch()
    let (fixture, spinner) = try victim(scratch, threads: 0, depth: 0)
    try FileManager.default.removeItem(atPath: scratch.file("no-elf"))
    let outcome = try run([example.program("stock"), "\(spinner)"])
    #expect(outcome.status == 0, "\(outcome)")
    #expect(fixture.runs())
  }

  @Test func oursWalksThousandsOfSuchFrames() throws {
    let scratch = try Scratch()
    let (fixture, spinner) = try victim(scratch, threads: 200, depth: 20)
    let before = try fixture.beat()
    for _ in 0..<3 {
      let captured = try Captured(fixture.pid)
      #expect(captured.outcome.status == 0)
      #expect(captured.report.limitations.isEmpty)
      let code = try #require(
        captured.report.modules.firstIndex { $0.path.hasSuffix("/no-elf") })
      // pause, the innermost descend, two for each call, the thread's function, two of the C library.
      let sleepers = captured.report.threads.filter {
        $0.id != Int(fixture.pid) && $0.id != Int(spinner)
      }
      #expect(sleepers.count == 200)
      for thread in sleepers {
        #expect(thread.complete && thread.frameCount == 2 * 20 + 5, "\(thread.functions)")
        let through = thread.frames.filter { $0.module == code }
        #expect(through.reduce(0) { $0 + ($1.repeated?.times ?? 1) } == 20)
      }
      #expect(captured.thread(spinner)?.frames.first?.module == code)
    }
    #expect(try fixture.goesOn(beyond: before))
  }

  /// All that `make example-crash-in-the-collector` shows: every stage is struck, named by the report, and survived.
  @Test func theWholeExample() throws {
    let scratch = try Scratch()
    let outcome = try example.runAll(in: scratch, timeout: 120)
    #expect(outcome.status == 0, "\(outcome)")
    let source = try String(
      contentsOfFile: Places.repository + "/Sources/Capture/Stage.swift", encoding: .utf8)
    let stages = source.matches(of: /\n  case (\w+)\n/).map { String($0.1) }
    #expect(stages.count >= 8)
    for stage in stages {
      #expect(
        outcome.text.contains("the worker died of SIGSEGV in stage \(stage)  (\(stage))"),
        "\(outcome)")
    }
    let survivals = outcome.text.components(separatedBy: "the process runs on\n").count - 1
    #expect(survivals == stages.count)
    #expect(outcome.text.contains("60020 frames of code that is in no ELF file"))
  }
}
