import DotNet
import Memory
import TestSupport
import Testing

@testable import Capture

/// Which of several contended locks a thread's native frames speak of.
@Suite struct MonitorSearchTests {
  private let monitors = [
    ContendedMonitor(object: 0x1000, syncBlock: 0x9000, type: 1, owner: 10),
    ContendedMonitor(object: 0x2000, syncBlock: 0xa000, type: 2, owner: 20),
    ContendedMonitor(object: 0x3000, syncBlock: 0xb000, type: 3, owner: 30),
  ]

  private func wanted(by thread: Int32, _ words: [UInt64], managedFrom end: Int? = nil) -> UInt64? {
    let memory = RegionMemory((0x7000, words.flatMap { littleEndian($0) }))
    let stack = 0x7000..<0x7000 + 8 * UInt64(end ?? words.count)
    return MonitorSearch.wanted(by: thread, among: monitors, stack: stack, memory: memory)?.object
  }

  @Test func itIsTheOneThatIsSpokenOfMost() {
    #expect(wanted(by: 1, [0, 0x1000, 5]) == 0x1000)
    #expect(wanted(by: 1, [0, 0xa000, 5]) == 0x2000)
    #expect(wanted(by: 1, [0x1000, 0x2000, 0xa000]) == 0x2000)
    #expect(wanted(by: 1, [0, 5]) == nil)
    #expect(wanted(by: 1, []) == nil)
  }

  /// What it has locked before may still lie there.
  @Test func itIsNeverOneThatTheThreadHolds() {
    #expect(wanted(by: 10, [0x1000, 0x9000, 0x2000]) == 0x2000)
    #expect(wanted(by: 10, [0x1000]) == nil)
  }

  @Test func managedFramesAreNotLookedAt() {
    #expect(wanted(by: 1, [0x1000, 0x2000, 0x2000], managedFrom: 1) == 0x1000)
  }
}
