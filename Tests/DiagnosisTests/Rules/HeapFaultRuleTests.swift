import Report
import Testing

@testable import Diagnosis

@Suite struct HeapFaultRuleTests {
  private func fault(_ functions: String?...) -> Scenario {
    var scenario = Scenario.fault(0x55_5500_0000)
    scenario.frames = functions.map { Scenario.frame($0, $0 == "sell" ? 0x40_1010 : 0x7000_1000) }
    return scenario
  }

  @Test func aFaultInTheAllocatorIsTheHeaps() {
    #expect(fault("_int_malloc", "malloc", "sell").top?.rule == "heap_corruption")
    #expect(
      fault("_int_malloc", "malloc", "sell").top?.summary.hasSuffix("called in sell (shop)") == true
    )
    #expect(
      fault(nil, "free", "sell").top?.rule == "heap_corruption", "a part of it without a name")
  }

  @Test func elsewhereItIsNot() {
    #expect(fault("sell").rules == ["wild_pointer"])
    #expect(
      fault("sell", "malloc").rules == ["wild_pointer"],
      "it was called by malloc: a hook's own fault")
    #expect(fault("sell", "buy", "qsort", "malloc").rules == ["wild_pointer"])
  }
}
