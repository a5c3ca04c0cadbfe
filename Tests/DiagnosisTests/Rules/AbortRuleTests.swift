import Report
import Testing

@testable import Diagnosis

/// What abort() says, and who has called it.
@Suite struct AbortRuleTests {
  @Test(arguments: [
    ("shop: shop.c:12: sell: Assertion `x > 0' failed.", "assertion_failed"),
    ("free(): double free detected in tcache 2", "heap_corruption"),
    ("corrupted size vs. prev_size", "heap_corruption"),
    ("*** stack smashing detected ***: terminated", "stack_smashing"),
    ("*** buffer overflow detected ***: terminated", "buffer_overflow"),
    ("Fatal error: something new", "abort"),
  ])
  func messages(_ message: String, _ rule: String) {
    var scenario = Scenario.aborted("abort", "__libc_message", "sell")
    scenario.report.crash.message = message + "\n"
    #expect(scenario.top?.rule == rule && scenario.top?.confidence == .high)
    #expect(scenario.top?.summary.hasSuffix("in sell (shop): \(message)") == true)
    #expect(scenario.top?.evidence.first == "/crash/message")
  }

  @Test func withoutAMessageTheCallerSpeaks() {
    #expect(Scenario.aborted("abort", "sell").top?.summary == "sell (shop) called abort()")
    #expect(Scenario.aborted("abort", "__assert_fail", "sell").top?.rule == "assertion_failed")
    #expect(
      Scenario.aborted("abort", "__cxa_pure_virtual", "sell").top?.rule == "pure_virtual_call")
    #expect(
      Scenario.aborted("abort", "std::terminate()", "std::thread::~thread()", "sell").top?.rule
        == "joinable_thread")
    #expect(Scenario.aborted("abort", "std::terminate()", "sell").top?.rule == "terminate")
    #expect(Scenario.sent(6, code: -6, by: 7).rules == ["signal_sent"], "raise(SIGABRT)")
  }

  @Test func exceptions() {
    var scenario = Scenario.aborted("abort", "std::terminate()", "__cxa_throw", "sell")
    scenario.report.crash.thrown = Thrown(type: "std::runtime_error", message: "sold out")
    #expect(scenario.top?.rule == "uncaught_exception")
    #expect(
      scenario.top?.summary
        == "Uncaught C++ exception std::runtime_error: sold out, thrown in sell (shop)")
    scenario.frames.remove(at: 2)
    #expect(scenario.top?.summary.hasSuffix("ended in sell (shop)") == true)
  }
}
