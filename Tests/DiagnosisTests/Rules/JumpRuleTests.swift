import Report
import Testing

@testable import Diagnosis

@Suite struct JumpRuleTests {
  private func jump(_ address: UInt64, calledBy caller: String? = "sell") -> Scenario {
    var scenario = Scenario.fault(HexNumber(address), .execute)
    scenario.frames =
      [Scenario.frame(nil, address)] + (caller.map { [Scenario.frame($0, 0x40_1010)] } ?? [])
    return scenario
  }

  @Test func aCallThroughNullNamesTheCaller() {
    #expect(jump(0).top?.rule == "call_through_null" && jump(0).top?.confidence == .high)
    #expect(jump(0).top?.summary == "A null function pointer was called by sell (shop)")
    #expect(
      jump(0x18).top?.summary.hasSuffix("or entry 3 of a table of functions that is null") == true)
    #expect(jump(0, calledBy: nil).top?.confidence == .low, "nobody has called: a return, perhaps")
  }

  @Test func aJumpIntoTheVoidAndOneIntoData() {
    #expect(jump(0x50_0000_0000).top?.rule == "wild_jump")
    #expect(jump(0x50_0000_0000).top?.summary.hasPrefix("Jump into the void") == true)
    #expect(
      jump(0x60_0010).top?.summary
        == "Jump into data: 0x600010 lies in [heap], which is not executable (rw-p), called from sell (shop)"
    )
    #expect(jump(0x60_0010).top?.evidence.contains("/memory_map/2") == true)
    #expect(
      jump(0x7ffd_9000).top?.summary.hasPrefix("Jump into data: 0x7ffd9000 lies in the main stack")
        == true)
  }

  @Test func readingCodeIsNoJump() {
    #expect(!Scenario.fault(0x50_0000_0000, .read).rules.contains("wild_jump"))
  }
}
