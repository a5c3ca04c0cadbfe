import Foundation
import Report
import TestSupport

/// How a program of Tests/Fixtures/native died, in its own words and the kernel's, and the report that its handler's
/// collector wrote.
struct Death {
  var outcome: Outcome
  var captured: Captured
  var crash: Crash { captured.report.crash }

  /// - Parameter before: a command that the program is started by.
  init(
    _ way: String, program: String = "dies", environment: [String: String?] = [:],
    before: [String] = []
  ) throws {
    let scratch = try Scratch()
    let child = try Child(
      before + [Places.native(program), way],
      environment: try Death.environment(scratch).merging(environment) { $1 })
    try self.init(child, scratch)
  }

  /// Of a program that runs already and was given `environment(_:)`.
  init(_ child: Child, _ scratch: Scratch) throws {
    outcome = try child.finish()
    let files = try scratch.contents().filter { $0.hasSuffix(".json") }
    guard files.count == 1 else { throw TestFailure("\(files.count) reports: \(outcome)") }
    captured = try Captured(outcome, bytes(of: scratch.file(files[0])))
  }

  static func environment(_ scratch: Scratch) throws -> [String: String?] {
    ["CATCHING_COLLECTOR": try Places.collector, "INQUEST_DIR": scratch.path]
  }

  /// What the program and its libraries wrote on standard error, without the collector's lines.
  var words: [String] {
    outcome.complaints.filter { !$0.hasPrefix("inquest") }.map(String.init)
  }
}
