import Report
import Testing

@testable import Diagnosis

@Suite struct NullDereferenceRuleTests {
  @Test func theFieldIsNamedByTheOperand() {
    var scenario = Scenario.fault(0x18)
    scenario.instruct(
      "mov rax, qword ptr [rax + 0x18]", base: "rax", displacement: 0x18, size: 8, address: 0x18)
    #expect(scenario.top?.rule == "null_dereference" && scenario.top?.confidence == .high)
    #expect(
      scenario.top?.summary
        == "Null pointer dereferenced in sell (shop): reading the field at offset 24 (rax is 0)")
    #expect(scenario.top?.evidence.contains("/threads/0/registers/rax") == true)
  }

  @Test func withoutADisassemblerTheAddressSpeaks() {
    #expect(
      Scenario.fault(0x18, .write).top?.summary
        == "Null pointer dereferenced in sell (shop): writing 24 bytes into the object")
    #expect(Scenario.fault(0).top?.summary.hasSuffix("reading at the pointer itself") == true)
  }

  @Test func aSmallNumberIsSaidToBeOne() {
    var scenario = Scenario.fault(0x50)
    scenario.set("rax", 0x48)
    scenario.instruct(
      "mov al, byte ptr [rax + 8]", base: "rax", displacement: 8, size: 1, address: 0x50)
    #expect(scenario.top?.summary.hasSuffix("reading 80 bytes from 0 (rax is 0x48)") == true)
  }

  @Test func anObjectAroundANullPointer() {
    let before = Scenario.fault(0xffff_ffff_ffff_fff8)
    #expect(before.rules == ["null_dereference"])
    #expect(before.top?.summary.hasSuffix("reading 8 bytes before the object") == true)
  }

  @Test func whatAFailedCallReturnsIsNoNull() {
    var scenario = Scenario.fault(0xffff_ffff_ffff_ffff)
    scenario.set("rdi", .max)
    scenario.instruct(
      "mov al, byte ptr [rdi]", base: "rdi", size: 1, address: 0xffff_ffff_ffff_ffff)
    #expect(scenario.rules == ["error_as_pointer"])
    #expect(scenario.top?.summary.hasSuffix("rdi is -1") == true)
  }

  @Test func theAddressAtWhichAnOverflowsHandlerDiedIsNone() {
    var scenario = Scenario.fault(0x8)
    scenario.report.crash.kind = .stackOverflow
    #expect(scenario.rules == ["stack_overflow"])
    #expect(scenario.top?.evidence.contains("/crash/signal/address") == false)
  }

  @Test func nearMisses() {
    #expect(Scenario.fault(0xf000).top?.confidence == .medium, "far from 0, but never mapped")
    #expect(!Scenario.fault(0x10000).rules.contains("null_dereference"))
    #expect(
      !Scenario.fault(0, code: 128).rules.contains("null_dereference"), "a non-canonical address")
    #expect(!Scenario.fault(0, .execute).rules.contains("null_dereference"), "a call")
    #expect(!Scenario.sent(11).rules.contains("null_dereference"), "a signal that was sent")
  }
}
