// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// Every row of Tests/Fixtures/dotnet/truth.md: what the application does is not changed by us, and there is
/// a report where the runtime calls createdump for a crash, and nowhere else.
///
/// Where enabling dumps alone changes what the runtime does (8.0 hangs on a crash that follows a survived
/// signal), the comparison is with dumps enabled and a createdump that does nothing.
@Suite(.enabled(if: Lab.isReady, "run `make fixtures` first"))
struct MatrixTests {
  @Test(arguments: Scenario.all)
  func theApplicationIsUnchanged(_ scenario: Scenario) async throws {
    let run = try await Experiment.of(scenario)
    let plain = try await run.plain
    #expect(plain.ending != .timedOut)
    #expect(run.watched.ending == plain.ending)
    #expect(run.watched.normalOutput == plain.normalOutput)
    #expect(run.watched.normalErrors == plain.normalErrors)
    #expect((plain.ending == .hung) == scenario.subject.hangs(scenario.runtime))
  }

  @Test(arguments: Scenario.all)
  func oneReportForEachCrash(_ scenario: Scenario) async throws {
    let run = try await Experiment.of(scenario)
    let expected = scenario.subject.verdicts(scenario.runtime).count
    #expect(run.reports.count == expected)
    #expect(run.calls.count == expected)
    let lines = run.watched.ourLines
    try #require(lines.count == 2 * expected, "\(lines)")
    for (index, report) in run.reports.enumerated() {
      #expect(lines[2 * index].contains("process \(run.watched.pid) "))
      #expect(lines[2 * index + 1].hasSuffix("; report: \(report.path)"))
      #expect(lines[2 * index + 1].contains(report.crash["summary"].text ?? "no summary"))
    }
  }

  @Test func everyReportIsValid() async throws {
    var paths: [String] = []
    for scenario in Scenario.reporting {
      paths += try await Experiment.of(scenario).reports.map(\.path)
    }
    #expect(paths.count >= Scenario.reporting.count)
    #expect(try await ReportFile.violations(paths) == "")
  }
}
