import Foundation
import TestSupport

/// The folders of examples/, and what tools/build-fixtures made of them.
struct Example {
  let name: String

  var folder: String { Places.repository + "/examples/" + name }

  func program(_ program: String) throws -> String { try Places.example(name, program) }

  /// What `make example-NAME` runs.
  func runAll(in scratch: Scratch, timeout: Double) throws -> Outcome {
    try run([folder + "/run.sh", Places.stage, scratch.path, Places.runtimes], timeout: timeout)
  }
}

/// The one report in a directory.
func onlyReport(in directory: String, of outcome: Outcome) throws -> Captured {
  let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
  guard names.count == 1 else { throw TestFailure("\(names) in \(directory); \(outcome)") }
  return try Captured(outcome, try bytes(of: directory + "/" + names[0]))
}
