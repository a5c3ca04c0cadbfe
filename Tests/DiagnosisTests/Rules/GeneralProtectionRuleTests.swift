import Report
import Testing

@testable import Diagnosis

/// What the kernel tells of without an address: SI_KERNEL.
@Suite struct GeneralProtectionRuleTests {
  private func fault(
    _ text: String?, base: String, _ value: UInt64, size: Int = 8, bytes: String = "488b00"
  )
    -> Scenario
  {
    var scenario = Scenario.fault(0, code: 128)
    scenario.report.crash.signal?.trapNumber = 13
    scenario.set(base, value)
    scenario.instruct(text, bytes: bytes, base: base, size: size, address: HexNumber(value))
    return scenario
  }

  @Test func aNonCanonicalAddressIsFoundInTheOperand() {
    let scenario = fault("mov rax, qword ptr [rbx]", base: "rbx", 0x6f77_206f_6c6c_6568)
    #expect(scenario.top?.rule == "non_canonical_address" && scenario.top?.confidence == .high)
    #expect(
      scenario.top?.summary.hasSuffix("which can be none: it is the text \"hello wo\"") == true)
    #expect(scenario.top?.evidence.contains("/threads/0/registers/rbx") == true)
    #expect(!scenario.rules.contains("null_dereference"))
  }

  @Test func withoutADisassemblerARegisterIsSuspected() {
    var scenario = Scenario.fault(0, code: 128)
    scenario.set("rdx", 0xdead_beef_dead_beef)
    #expect(scenario.top?.rule == "non_canonical_address" && scenario.top?.confidence == .medium)
    #expect(scenario.top?.evidence.contains("/threads/0/registers/rdx") == true)
    #expect(Scenario.fault(0, code: 128).diagnoses.isEmpty, "nothing to go by")
  }

  @Test func aReturnToWhatIsNoAddress() {
    var scenario = Scenario.fault(0, code: 128)
    scenario.instruct("ret", bytes: "c3", base: "rsp", size: 8, address: 0x7ffd_8000)
    scenario.report.memory = [
      MemoryRecord(label: "rsp", address: 0x7ffd_8000, bytes: "6162636465666768" + "00000000")
    ]
    #expect(scenario.top?.rule == "non_canonical_address" && scenario.top?.confidence == .high)
    #expect(
      scenario.top?.summary
        == "Return to 0x6867666564636261 in sell (shop), which can be no address: it is the text \"abcdefgh\""
    )
    scenario.instruct("call rax", bytes: "ffd0")
    scenario.set("rax", 0xdead_beef_dead_beef)
    #expect(scenario.top?.summary.hasPrefix("Call or jump to 0xdeadbeefdeadbeef") == true)
  }

  @Test(arguments: [0x7fff_ffff_ffff, 0xffff_8000_0000_0000, 0] as [UInt64])
  func canonical(_ address: UInt64) { #expect(NonCanonicalRule.isCanonical(address)) }

  @Test(arguments: [0x8000_0000_0000, 0xffff_7fff_ffff_ffff] as [UInt64])
  func notCanonical(_ address: UInt64) { #expect(!NonCanonicalRule.isCanonical(address)) }

  @Test func misalignment() {
    let wrong = fault("movaps xmmword ptr [rbx], xmm0", base: "rbx", 0x60_0008, size: 16)
    #expect(wrong.top?.rule == "misaligned_access")
    #expect(wrong.top?.summary.contains("to 0x600008, which is not aligned to 16 bytes") == true)
    let stack = fault("movaps xmmword ptr [rsp], xmm0", base: "rsp", 0x7ffd_8008, size: 16)
    #expect(stack.top?.detail?.hasPrefix("the stack is misaligned") == true)
    let right = fault("movaps xmmword ptr [rbx], xmm0", base: "rbx", 0x60_0010, size: 16)
    #expect(!right.rules.contains("misaligned_access"))
    let careless = fault("movups xmmword ptr [rbx], xmm0", base: "rbx", 0x60_0008, size: 16)
    #expect(!careless.rules.contains("misaligned_access"), "it takes any address")
  }

  @Test func privilegedInstructions() {
    var scenario = Scenario.fault(0, code: 128)
    scenario.instruct("hlt", bytes: "f4")
    #expect(scenario.top?.rule == "privileged_instruction")
    scenario.instruct(nil, bytes: "f4")
    #expect(
      scenario.top?.rule == "privileged_instruction", "no disassembler is needed for this one")
    scenario.instruct("nop", bytes: "90")
    #expect(scenario.diagnoses.isEmpty)
  }

  @Test func libcsLastResorts() {
    var scenario = Scenario.fault(0, code: 128)
    scenario.instruct("hlt", bytes: "f4")
    scenario.report.process.isNamespaceInit = true
    scenario.frames = [Scenario.frame("abort", 0x7000_1000), Scenario.frame("sell", 0x40_1010)]
    #expect(scenario.top?.rule == "abort_by_instruction")
    #expect(scenario.top?.detail?.contains("139") == true)
    scenario.frames[0] = Scenario.frame("free", 0x7000_1000)
    #expect(scenario.top?.rule == "heap_corruption")
    #expect(scenario.top?.summary.hasSuffix("in sell (shop)") == true)
    scenario.frames[0] = Scenario.frame("__stack_chk_fail", 0x7000_1000)
    #expect(scenario.top?.rule == "stack_smashing")
  }
}
