import Report
import Testing

@testable import Diagnosis

/// Memory and descriptors that have run out.
@Suite struct LimitRuleTests {
  private func abort(_ change: (inout ProcessRecord) -> Void) -> Scenario {
    var scenario = Scenario.aborted("abort", "sell")
    change(&scenario.report.process)
    return scenario
  }

  @Test func descriptors() {
    func with(_ open: Int, of limit: Int) -> Scenario {
      abort {
        $0.openFiles = open
        $0.limits = ProcessRecord.Limits()
        $0.limits?.openFiles = limit
      }
    }
    #expect(with(1024, of: 1024).diagnoses.last?.rule == "descriptor_limit")
    #expect(
      with(1024, of: 1024).diagnoses.last?.summary
        == "All file descriptors are in use: 1024 of 1024")
    #expect(with(1000, of: 1024).diagnoses.last?.confidence == .low)
    #expect(!with(900, of: 1024).rules.contains("descriptor_limit"))
  }

  @Test func memoryOfTheControlGroup() {
    func with(_ used: Int, of limit: Int, kills: Int? = nil) -> Scenario {
      abort {
        $0.memory = ProcessRecord.MemoryUse()
        $0.memory?.groupBytes = used
        $0.memory?.groupLimitBytes = limit
        $0.memory?.groupKills = kills
      }
    }
    #expect(with(99 << 20, of: 100 << 20).diagnoses.last?.rule == "out_of_memory")
    #expect(with(99 << 20, of: 100 << 20).diagnoses.last?.confidence == .low, "a sign, no proof")
    #expect(!with(90 << 20, of: 100 << 20).rules.contains("out_of_memory"))
    #expect(with(1, of: 100 << 20, kills: 2).rules.contains("out_of_memory"))
  }

  @Test func anExceptionThatSaysSo() {
    var scenario = Scenario.aborted("abort", "__cxa_throw", "sell")
    scenario.report.crash.thrown = Thrown(type: "std::bad_alloc")
    #expect(scenario.rules == ["uncaught_exception", "out_of_memory"])
    #expect(scenario.diagnoses.last?.confidence == .high)
    var managed = Scenario(.managedException)
    managed.report.exception = ManagedException(
      type: "System.AggregateException", message: "", hresult: HResult(0),
      frames: [],
      inner: [
        ManagedException(
          type: "System.OutOfMemoryException", message: "", hresult: HResult(0), frames: [],
          inner: [])
      ])
    #expect(managed.rules == ["unhandled_exception", "out_of_memory"])
  }
}
