import Foundation
import Report
import TestSupport
import Testing

/// The C++ exception that nobody caught, compared with what libstdc++ itself prints.
@Suite(.timeLimit(.minutes(5))) struct ThrownTests {
  private static let programs = ["dies", "dies.stripped", "dies.static"]

  /// The words of __verbose_terminate_handler.
  private func told(_ death: Death) -> Thrown? {
    let start = "terminate called after throwing an instance of '"
    guard let line = death.words.firstIndex(where: { $0.hasPrefix(start) }) else { return nil }
    let what = death.words.dropFirst(line + 1).first { $0.hasPrefix("  what():  ") }
    return Thrown(
      type: String(death.words[line].dropFirst(start.count).dropLast()),
      message: what.map { String($0.dropFirst(11)) })
  }

  @Test(
    arguments: programs,
    [
      "runtime", "derived", "labelled", "logic", "number", "text", "template", "rethrown", "second",
      "kept", "noexcept", "thread",
    ])
  func anExceptionIsWhatTheLibrarySaysItIs(program: String, way: String) throws {
    let death = try Death(way, program: program)
    #expect(death.outcome.signal == SIGABRT)
    let words = try #require(told(death), "\(death.outcome)")
    #expect(death.crash.thrown == words)
    #expect(death.captured.report.diagnoses.first?.rule == "uncaught_exception")
  }

  /// A class with a what() of its own: what that would say only the program knows.
  @Test(arguments: programs) func wordsThatAreComputedAreNotGuessed(program: String) throws {
    let death = try Death("own", program: program)
    #expect(told(death)?.message == "words of its own")
    #expect(death.crash.thrown == Thrown(type: "shop::Own"))
  }

  @Test(arguments: programs, ["terminate", "abort", "assert"])
  func withoutAnExceptionNothingWasThrown(program: String, way: String) throws {
    let death = try Death(way, program: program)
    #expect(death.outcome.signal == SIGABRT && told(death) == nil)
    #expect(death.crash.thrown == nil)
  }

  /// Other ways in which the C++ runtime and libc end a program, and what that means.
  @Test(arguments: [
    ("joinable", "joinable_thread"), ("pure_virtual", "pure_virtual_call"),
    ("fortify", "buffer_overflow"), ("float_trap", "floating_point_trap"),
  ])
  func theRuntimesOwnEndsAreNamed(way: String, rule: String) throws {
    let verdict = try #require(Death(way).captured.report.diagnoses.first)
    #expect(verdict.rule == rule && verdict.confidence == .high, "\(verdict)")
  }
}
