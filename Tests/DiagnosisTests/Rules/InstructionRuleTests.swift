import Report
import Testing

@testable import Diagnosis

/// Divisions, traps, breakpoints, bus errors, refused system calls.
@Suite struct InstructionRuleTests {
  private func division(_ text: String?, code: Int = 1) -> Scenario {
    var scenario = Scenario.fault(0x40_1010, code: code, number: 8)
    scenario.instruct(text, bytes: "f7f9")
    return scenario
  }

  @Test func divisionByZero() {
    var scenario = division("idiv ecx")
    scenario.set("rcx", 0xffff_ffff_0000_0000)
    #expect(scenario.top?.rule == "division_by_zero" && scenario.top?.confidence == .high)
    #expect(scenario.top?.summary == "Division of an integer by zero (rcx is 0) in sell (shop)")
    scenario.set("rcx", 0xffff_ffff)
    #expect(scenario.top?.rule == "division_overflow", "INT_MIN / -1 raises the same signal")
    #expect(division(nil).top?.confidence == .medium)
    #expect(division("idiv dword ptr [rax]").top?.confidence == .medium)
    #expect(division(nil, code: 3).top?.rule == "floating_point_trap")
    #expect(Scenario.sent(8).rules == ["signal_sent"])
  }

  @Test(arguments: [("r9d", "r9"), ("r15", "r15"), ("rdi", "rdi"), ("cx", "rcx")])
  func divisors(_ name: String, _ register: String) {
    var scenario = division("div \(name)")
    scenario.set(register, 0)
    #expect(scenario.top?.summary.contains("(\(register) is 0)") == true)
  }

  @Test func illegalInstructions() {
    var scenario = Scenario.fault(0x40_1010, code: 2, number: 4)
    scenario.instruct("ud2", bytes: "0f0b")
    #expect(scenario.top?.rule == "trap_instruction")
    scenario.instruct(nil, bytes: "06")
    #expect(scenario.top?.rule == "illegal_instruction")
    #expect(scenario.top?.summary.hasSuffix("06 is none that is known") == true)
    scenario.instruct("vpaddd zmm0, zmm0, zmm1", bytes: "62f17d48fec1")
    #expect(
      scenario.top?.summary.hasSuffix("this processor may not know \"vpaddd zmm0, zmm0, zmm1\"")
        == true)
  }

  @Test func breakpoints() {
    #expect(Scenario.fault(0, code: 128, number: 5).top?.rule == "breakpoint")
    #expect(Scenario.fault(0, code: 1, number: 5).top?.rule == "breakpoint")
    #expect(Scenario.fault(0, code: 2, number: 5).top?.rule == "debug_trap", "a single step")
    #expect(Scenario.sent(5).rules == ["signal_sent"])
  }

  @Test func busErrorsNameTheFile() {
    var scenario = Scenario.fault(0x70_2010, code: 2, number: 7)
    scenario.report.memoryMap[4].fileBytes = 100
    #expect(scenario.top?.rule == "bus_error_past_end" && scenario.top?.confidence == .high)
    #expect(
      scenario.top?.summary
        == "Access past the end of the mapped file /var/data: byte 12304 of 100 in sell (shop)")
    scenario.report.memoryMap[4].fileBytes = 1 << 20
    #expect(scenario.top?.rule == "bus_error", "the file is long enough")
    scenario.report.memoryMap[4].fileBytes = nil
    #expect(scenario.top?.confidence == .medium)
    #expect(Scenario.fault(0x70_2010, code: 4, number: 7).top?.rule == "memory_error")
    #expect(Scenario.fault(0x70_2010, code: 1, number: 7).top?.rule == "misaligned_access")
  }

  @Test func refusedSystemCalls() {
    var scenario = Scenario.fault(0x40_1010, code: 1, number: 31)
    #expect(scenario.top?.summary.hasPrefix("The seccomp filter refused a system call") == true)
    scenario.report.crash.signal?.systemCall = SignalRecord.SystemCall(number: 57, name: "fork")
    #expect(scenario.top?.rule == "seccomp_kill")
    #expect(scenario.top?.summary == "The seccomp filter refused fork(2), called in sell (shop)")
    #expect(!Scenario.fault(0, code: 2, number: 31).rules.contains("seccomp_kill"), "user dispatch")
  }
}
