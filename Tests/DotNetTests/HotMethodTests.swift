// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// Methods that were called so often that the runtime has compiled them again: their lines are in the map of
/// the new code, which the DAC does not give out.
@Suite(.enabled(if: Lab.isReady, "run `make fixtures` first"))
struct HotMethodTests {
  @Test(arguments: Runtime.allCases)
  func theyHaveTheLinesOfTheirCalls(_ runtime: Runtime) async throws {
    let report = try await Experiment.of(Scenario(throwing: "hot", runtime)).report
    let statements = [
      "Shapes.Stir": "throw new InvalidOperationException", "Shapes.Simmer": "Stir(degrees)",
    ]
    for frames in [report.json["exception"]["frames"].list, report.frames] {
      for (function, statement) in statements {
        let frame = try #require(frames.first { $0["function"].text == function }, "\(function)")
        let file = try #require(frame["file"].text, "\(function) has no file")
        let source = try String(contentsOfFile: file, encoding: .utf8)
        let line = source.components(separatedBy: "\n")[(frame["line"].int ?? 0) - 1]
        #expect(line.contains(statement), "\(function): \(line)")
      }
    }
  }
}
