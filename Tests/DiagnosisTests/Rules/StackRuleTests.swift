import Report
import Testing

@testable import Diagnosis

/// Overflows, stacks that are gone, and handlers that return to the wrong one.
@Suite struct StackRuleTests {
  private func overflow(_ address: UInt64, kind: StackRecord.Kind = .thread, hasGuard: Bool = true)
    -> Scenario
  {
    var scenario = Scenario.fault(HexNumber(address), .write, code: 2)
    scenario.report.crash.kind = .stackOverflow
    scenario.report.threads[0].stack = StackRecord(kind: kind, start: 0x63_0000, end: 0x64_0000)
    if hasGuard {
      scenario.report.threads[0].stack?.guardPages = StackRecord.Guard(
        start: 0x62_f000, end: 0x63_0000)
    }
    scenario.set("rsp", address)
    return scenario
  }

  @Test func theRecursionIsNamed() {
    var scenario = overflow(0x62_fff8)
    scenario.frames[0].repeated = Frame.Repeated(frames: 1, times: 1000)
    #expect(scenario.top?.rule == "stack_overflow" && scenario.top?.confidence == .high)
    #expect(
      scenario.top?.summary
        == "Stack overflow of a thread's stack, 64 KiB (0x630000 to 0x640000); its guard page was hit at "
        + "0x62fff8; sell (shop) called itself 1000 times")
    #expect(scenario.top?.evidence.contains("/threads/0/stack/guard") == true)
    scenario.frames = [Scenario.frame("ping", 0x40_1010), Scenario.frame("pong", 0x40_1020)]
    scenario.frames[0].repeated = Frame.Repeated(frames: 2, times: 500)
    #expect(scenario.top?.summary.hasSuffix("500 rounds of pong (shop) → ping (shop)") == true)
  }

  @Test func howItsEndWasNoticed() {
    #expect(overflow(0x62_0000).top?.summary.contains("jumped over its guard page") == true)
    #expect(
      overflow(0x63_0010).top?.summary.contains("guard that the memory map does not show") == true)
    var main = overflow(0x62_fff8, kind: .main, hasGuard: false)
    main.report.process.limits = ProcessRecord.Limits()
    main.report.process.limits?.stackBytes = 8 << 20
    #expect(main.top?.summary.contains("may not grow beyond 8 MiB (RLIMIT_STACK)") == true)
    #expect(
      overflow(0x62_fff8, kind: .custom).top?.summary.contains("coroutine's or fibre's") == true)
  }

  @Test func oneLargeFrame() {
    var scenario = overflow(0x62_fff8)
    scenario.frames = [
      Scenario.frame("greedy", 0x40_1010, sp: 0x10_0000),
      Scenario.frame("sell", 0x40_1020, sp: 0x63_8000),
    ]
    #expect(scenario.top?.summary.hasSuffix("greedy (shop) alone takes about 5.2 MiB") == true)
  }

  @Test func theStackIsGone() {
    var scenario = Scenario.fault(0x50_0000_0ff8, .write)
    scenario.set("rsp", 0x50_0000_1000)
    #expect(scenario.top?.rule == "stack_after_end")
    #expect(!scenario.rules.contains("wild_pointer"))
    scenario.set("rsp", 0x7ffd_8000)
    #expect(!scenario.rules.contains("stack_after_end"), "the stack pointer is where it should be")
  }

  @Test func oneFrameOfAGigabyteIsNoStackThatIsGone() {
    var scenario = Scenario.fault(0x1000_0ff8, .write)
    scenario.set("rsp", 0x1000_1000)
    scenario.frames.append(Scenario.frame("buy", 0x40_1020, sp: 0x7ffd_9000))
    #expect(scenario.top?.rule == "stack_after_end" && scenario.top?.confidence == .medium)
  }

  @Test func poppedBeyondTheEnd() {
    var scenario = Scenario.fault(0x7ffe_0000, .read)
    scenario.set("rsp", 0x7ffe_0000)
    #expect(scenario.top?.rule == "stack_after_end")
    #expect(scenario.top?.summary.contains("beyond its upper end at 0x7ffe0000") == true)
  }

  @Test func aHandlerReturnedWithTheWrongStackPointer() {
    var scenario = Scenario.fault(0, .execute)
    scenario.frames = [Scenario.frame(nil, 0)]
    scenario.report.threads[0].stack = StackRecord(
      kind: .alternate, start: 0x60_0000, end: 0x61_0000)
    scenario.set("rsp", 0x60_fff8)
    scenario.report.memory = [
      MemoryRecord(label: "rsp", address: 0x60_8000, bytes: String(repeating: "00", count: 64))
    ]
    #expect(scenario.top?.rule == "sigreturn_corrupted" && scenario.top?.confidence == .high)
    #expect(scenario.top?.summary.contains("at its very top") == true)
    #expect(!scenario.rules.contains("call_through_null"))

    scenario.set("rsp", 0x60_8000)
    #expect(scenario.top?.confidence == .high, "nobody has ever been here")
    scenario.report.memory[0].bytes = String(repeating: "01", count: 64)
    #expect(scenario.top?.confidence == .medium, "a running handler's frame, perhaps")

    scenario.report.threads[0].stack?.kind = .main
    #expect(scenario.rules == ["call_through_null"], "0 on a usual stack")
    scenario.report.threads[0].stack?.kind = .alternate
    scenario.frames = [
      Scenario.frame(nil, 0), Scenario.frame("handler", 0x40_1010),
      Scenario.frame(nil, 0x7000_1000),
    ]
    scenario.frames[2].signalFrame = true
    #expect(scenario.top?.rule == "call_through_null", "a handler that is running has called it")
  }

  @Test func aFaultInAHandler() {
    var scenario = Scenario.fault(0x18)
    scenario.frames += [
      Scenario.frame("handler", 0x40_1010), Scenario.frame(nil, 0x7000_1000),
      Scenario.frame("buy", 0x40_1020),
    ]
    scenario.frames[2].signalFrame = true
    #expect(scenario.rules == ["null_dereference", "fault_in_handler"])
    #expect(
      scenario.diagnoses.last?.summary
        == "It happened in the signal handler handler (shop), which had interrupted buy (shop)")
    scenario.frames[2].signalFrame = nil
    #expect(scenario.rules == ["null_dereference"])
  }
}
