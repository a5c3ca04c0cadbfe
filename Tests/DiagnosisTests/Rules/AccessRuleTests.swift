import Report
import Testing

@testable import Diagnosis

/// Writes to what may only be read, memory that nobody may touch, and pointers to nothing.
@Suite struct AccessRuleTests {
  @Test func writesToConstantsAndToCode() {
    let constant = Scenario.fault(0x40_0100, .write, code: 2)
    #expect(constant.top?.rule == "write_to_read_only")
    #expect(
      constant.top?.summary
        == "Write to read-only memory at 0x400100, in /app/shop (r--p) in sell (shop)")
    #expect(Scenario.fault(0x40_1100, .write, code: 2).top?.rule == "write_to_code")
    #expect(!Scenario.fault(0x40_0100, .read, code: 2).rules.contains("write_to_read_only"))
    #expect(
      !Scenario.fault(0x60_0100, .write, code: 2).rules.contains("write_to_read_only"), "writable")
  }

  @Test func inaccessibleMemory() {
    #expect(Scenario.fault(0x62_0100, code: 2).top?.rule == "inaccessible_memory")
    var scenario = Scenario.fault(0x62_0100, code: 2)
    scenario.report.crash.kind = .stackOverflow
    #expect(!scenario.rules.contains("inaccessible_memory"), "that is the end of a stack")
    #expect(!Scenario.fault(0x60_0100, code: 2).rules.contains("inaccessible_memory"))
  }

  @Test func aGuardThatIsFarFromTheStackPointerIsNoOverflow() {
    var scenario = Scenario.fault(0x62_0100, code: 2)
    scenario.report.threads[0].stack = StackRecord(kind: .thread, start: 0x63_0000, end: 0x64_0000)
    scenario.report.threads[0].stack?.guardPages = StackRecord.Guard(
      start: 0x62_0000, end: 0x63_0000)
    scenario.report.memoryMap.insert(
      MapRecord(start: 0x63_0000, end: 0x64_0000, permissions: "rw-p", offset: 0), at: 4)
    #expect(scenario.top?.detail?.contains("not an overflow") == true)
  }

  @Test func wildPointers() {
    let wild = Scenario.fault(0x55_5500_0000, .write)
    #expect(wild.top?.rule == "wild_pointer")
    #expect(wild.top?.summary == "Write to 0x5555000000, where no memory is, in sell (shop)")
    let past = Scenario.fault(0x61_0008)
    #expect(past.top?.detail?.hasPrefix("8 bytes past the end of [heap]") == true)
    #expect(past.top?.evidence.contains("/memory_map/2") == true)
    #expect(Scenario.fault(0x0065_6d61_7274).top?.detail?.contains("\"trame\"") == true)
    #expect(!Scenario.fault(0x60_0100).rules.contains("wild_pointer"), "there is memory")
  }

  @Test(
    arguments: [
      (0x6f77_206f_6c6c_6568, "the text \"hello wo\""),
      (0x5a5a_5a5a_5a5a_5a5a, "freed memory (0x5a)"),
      (0x5a5a_5a5a_5a5a_5a72, "freed memory (0x5a)"),
    ] as [(UInt64, String)])
  func patterns(_ value: UInt64, _ words: String) {
    #expect(Pattern.words(value)?.hasSuffix(words) == true)
  }

  @Test(arguments: [0, 0x7fff_1234_5678, 0x41, 0x7f00_5a5a_5a5a] as [UInt64])
  func noPatterns(_ value: UInt64) {
    #expect(Pattern.words(value) == nil)
  }
}
