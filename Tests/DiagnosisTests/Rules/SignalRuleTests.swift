import Report
import Testing

@testable import Diagnosis

/// Signals that were sent, and the inits to which they do nothing.
@Suite struct SignalRuleTests {
  @Test func byWhom() {
    var scenario = Scenario.sent(11)
    #expect(scenario.top?.summary == "SIGSEGV was sent by process 99 of user 1000: it is no fault")
    scenario.report.crash.signal?.sender?.name = "kill"
    scenario.report.crash.signal?.sender?.command = "kill -SEGV 7"
    #expect(
      scenario.top?.summary
        == "SIGSEGV was sent by process 99 (kill) of user 1000: kill -SEGV 7: it is no fault")
    #expect(scenario.top?.evidence.contains("/crash/signal/sender") == true)
    #expect(Scenario.sent(11, by: 0).top?.summary.contains("outside of its PID namespace") == true)
    #expect(Scenario.sent(11, code: -2).top?.summary.contains("a timer") == true)
  }

  @Test func byTheProcessItself() {
    var scenario = Scenario.sent(11, code: -6, by: 7)
    scenario.frames = [Scenario.frame("raise", 0x7000_1000), Scenario.frame("sell", 0x40_1010)]
    #expect(
      scenario.top?.summary
        == "SIGSEGV was sent by the process itself (raise, called in sell (shop)): it is no fault")
    scenario = Scenario.sent(11, by: 1)
    scenario.report.process.namespacePID = 1
    #expect(
      scenario.top?.summary.contains("the process itself") == true, "its own pid in its namespace")
  }

  @Test func theInitOfANamespaceGoesOn() {
    var scenario = Scenario.sent(11, by: 7)
    scenario.report.process.isNamespaceInit = true
    #expect(scenario.rules == ["signal_sent"], "it has not survived")
    scenario.report.crash.survives = true
    #expect(scenario.rules == ["signal_sent", "pid1_survives"])
    var abort = Scenario.aborted("abort", "sell")
    abort.report.process.isNamespaceInit = true
    #expect(abort.rules.first == "pid1_abort")
    var fault = Scenario.fault(0x18)
    fault.report.process.isNamespaceInit = true
    #expect(fault.rules == ["null_dereference"], "faults end it like anybody")
  }
}
