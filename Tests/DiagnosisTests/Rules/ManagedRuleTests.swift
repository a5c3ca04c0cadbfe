import Report
import Testing

@testable import Diagnosis

@Suite struct ManagedRuleTests {
  private let exception = ManagedException(
    type: "System.InvalidOperationException", message: "outer", hresult: HResult(0), frames: [],
    inner: [
      ManagedException(
        type: "System.IO.IOException", message: "no such file\nas that", hresult: HResult(0),
        frames: [],
        inner: [])
    ])

  @Test func anExceptionIsToldWithItsCause() {
    var scenario = Scenario(.managedException)
    #expect(scenario.diagnoses.isEmpty, "nothing is known of it")
    scenario.report.exception = exception
    #expect(scenario.top?.rule == "unhandled_exception")
    #expect(scenario.top?.detail == "System.IO.IOException: no such file\nas that")
    #expect(scenario.top?.evidence == ["/exception", "/threads/0/frames/0"])
  }

  @Test func failFast() {
    var scenario = Scenario(.failFast)
    scenario.report.exception = exception
    #expect(scenario.rules == ["fail_fast"] && scenario.top?.detail == "outer")
    scenario.frames = []
    scenario.report.exception = nil
    #expect(scenario.top?.evidence == ["/crash"], "there may be no frames to point to")
    #expect(scenario.top?.detail == nil)
  }
}
