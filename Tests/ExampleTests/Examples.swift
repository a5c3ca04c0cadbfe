import Foundation
import TestSupport

/// The folders of examples/, and what tools/build-fixtures made of them.
struct Example {
  let name: String

  var folder: String { Places.repository + "/examples/" + name }

  func program(_ program: String) throws -> String {
    let fixtures =
      ProcessInfo.processInfo.environment["INQUEST_TEST_FIXTURES"]
      ?? Places.repository + "/.build/fixtures"
    let path = "\(fixtures)/examples/\(name)/\(program)"
    guard access(path, X_OK) == 0 else {
      throw TestFailure("\(path) is missing: run \"make fixtures\", or set INQUEST_TEST_FIXTURES")
    }
    return path
  }

  /// What `make example-NAME` runs.
  func runAll(in scratch: Scratch, timeout: Double) throws -> Outcome {
    try run([folder + "/run.sh", Places.stage, scratch.path], timeout: timeout)
  }
}

/// The one report in a directory.
func onlyReport(in directory: String, of outcome: Outcome) throws -> Captured {
  let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
  guard names.count == 1 else { throw TestFailure("\(names) in \(directory); \(outcome)") }
  return try Captured(outcome, try bytes(of: directory + "/" + names[0]))
}
