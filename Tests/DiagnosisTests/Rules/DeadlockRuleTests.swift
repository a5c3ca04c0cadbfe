import Report
import Testing

@testable import Diagnosis

@Suite struct DeadlockRuleTests {
  private func scenario(_ owners: [Int?]) -> Scenario {
    var scenario = Scenario(.none)
    scenario.report.threads = owners.enumerated().map { index, owner in
      var thread = ThreadRecord(
        id: index, name: "t\(index)", crashed: false, frames: [], frameCount: 0, complete: true,
        endReason: .outermost)
      thread.waitsFor = owner.map { WaitRecord(kind: .mutex, address: 0x60_0000, owner: $0) }
      return thread
    }
    return scenario
  }

  @Test func aCircleIsADeadlock() {
    let found = scenario([nil, 3, 1, 2, 1])
    #expect(found.top?.rule == "deadlock" && found.top?.confidence == .high)
    #expect(found.top?.summary == "Deadlock: 3 threads wait for each other")
    #expect(
      found.top?.detail
        == "thread 1 (t1) waits for mutex 0x600000, held by thread 3; thread 3 (t3) waits for mutex 0x600000, "
        + "held by thread 2; thread 2 (t2) waits for mutex 0x600000, held by thread 1")
    #expect(
      found.top?.evidence == [
        "/threads/1/waits_for", "/threads/3/waits_for", "/threads/2/waits_for",
      ])
  }

  @Test func aThreadThatWaitsForItself() {
    #expect(
      scenario([nil, 1]).top?.summary.hasSuffix("waits for a lock that it holds itself") == true)
  }

  @Test func theLargestCircleComesFirst() {
    let found = scenario([0, 2, 1, 4, 3, nil])
    #expect(found.top?.summary == "Deadlock: 2 threads wait for each other; and 2 more such")
    #expect(
      found.top?.evidence == [1, 2, 3, 4, 0].map { "/threads/\($0)/waits_for" })
  }

  @Test func aQueueIsNone() {
    #expect(scenario([nil, 0, 1, 2]).diagnoses.isEmpty)
    #expect(scenario([nil, 77]).diagnoses.isEmpty, "an owner that is gone")
    #expect(scenario([1, nil]).diagnoses.isEmpty)
  }

  @Test func theClassOfAnObjectIsNamed() {
    var found = scenario([1, 0])
    found.report.threads[0].waitsFor?.type = "Shop.Till"
    #expect(found.top?.detail?.hasPrefix("thread 0 (t0) waits for the lock of Shop.Till") == true)
  }
}
