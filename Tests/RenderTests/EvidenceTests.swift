import Render
import Report
import Testing

/// What was read to explain a crash, in the verdict.
@Suite struct EvidenceTests {
  @Test func `the instruction is shown with the address of its operand`() throws {
    var report = Samples.report(.nativeFault)
    var instruction = InstructionRecord(address: 0x40_1000, bytes: "48c744d0102a000000")
    #expect(render(report).line("executed") == nil)
    report.crash.instruction = instruction
    #expect(render(report).has("executed  bytes 48c744d0102a000000  at 0x401000"))
    instruction.text = "mov qword ptr [rax + rdx*8 + 0x10], 0x2a"
    var operand = InstructionRecord.Operand()
    (operand.size, operand.access, operand.address) = (8, "write", 0x1038)
    instruction.operands = [operand]
    report.crash.instruction = instruction
    let lines = render(report)
    let place = try #require(
      lines.line("executed  mov qword ptr [rax + rdx*8 + 0x10], 0x2a  at 0x401000"))
    #expect(lines[place + 1].hasSuffix(" writes 8 bytes at 0x1038"))
  }

  @Test func `last words of libc and of the C++ runtime`() {
    var report = Samples.report(.abort)
    report.crash.message = "double free or corruption (top)"
    #expect(render(report).has("message   double free or corruption (top)"))
    report.crash.thrown = Thrown(type: "shop::Empty", message: "no more tea")
    #expect(render(report).has("thrown    shop::Empty: no more tea"))
    report.crash.thrown = Thrown(type: "int")
    #expect(render(report).contains { $0.hasSuffix("thrown    int") })
  }

  @Test func `a sender has a name, and the call that was refused too`() {
    var report = Samples.report(.raisedSignal, pid: 42)
    var signal = SignalRecord(number: 31, name: "SIGSYS")
    signal.sender = .init(pid: 7, uid: 0)
    signal.sender?.name = "sh"
    signal.sender?.command = "sh -c kill"
    signal.systemCall = .init(number: 140, name: "getpriority")
    report.crash.signal = signal
    #expect(render(report).has("sender    sh, sh -c kill"))
    #expect(render(report).has("call      getpriority (140)"))
    report.crash.signal?.systemCall = .init(number: 999, name: nil)
    #expect(render(report).has("call      number 999"))
    report.crash.signal?.sender?.pid = 42
    #expect(!render(report).has("sh -c kill"), "the process itself is described elsewhere")
  }

  @Test func `what a process uses of what it may use`() {
    var report = Samples.report()
    #expect(!render(report).has("uses "))
    report.process.openFiles = 1024
    report.process.limits = .init()
    report.process.limits?.openFiles = 1024
    report.process.memory = .init()
    report.process.memory?.residentBytes = 3 << 20
    #expect(render(report).has("uses      1024 of 1024 open files, 3 MiB resident"))
    report.process.memory?.groupLimitBytes = 64 << 20
    report.process.memory?.groupBytes = 63 << 20
    report.process.memory?.groupKills = 2
    #expect(render(report).has("its control group 63 MiB of 64 MiB, 2 kills"))
  }
}
