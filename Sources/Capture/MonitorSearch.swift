import DotNet
import Memory

/// Tells which lock of an object a thread in Monitor.Enter wants.
enum MonitorSearch {
  /// Bytes of a stack, at most: the runtime's way from Monitor.Enter to the kernel takes some 2 KB.
  private static let limit: UInt64 = 64 << 10

  /// The lock that the thread's native frames speak of most: they hold the object, or its SyncBlock. What else is
  /// there is left from earlier calls.
  ///
  /// - Parameters:
  ///   - monitors: those that threads are waiting for.
  ///   - stack: from the thread's stack pointer to its innermost managed frame.
  static func wanted(
    by thread: Int32, among monitors: [ContendedMonitor], stack: Range<UInt64>,
    memory: any MemorySource
  ) -> ContendedMonitor? {
    var places: [UInt64: Int] = [:]
    // A thread never waits for what it has itself.
    for (index, monitor) in monitors.enumerated() where monitor.owner != thread {
      places[monitor.object] = index
      places[monitor.syncBlock] = index
    }
    var counts: [Int: Int] = [:]
    let end = stack.lowerBound + min(limit, UInt64(stack.count))
    for address in stride(from: stack.lowerBound, to: end, by: 8) {
      guard let word = memory.load(UInt64.self, at: address) else { break }
      if let index = places[word] { counts[index, default: 0] += 1 }
    }
    // Of two the one that was made first, so that it is always the same.
    return counts.max { ($0.value, $1.key) < ($1.value, $0.key) }.map { monitors[$0.key] }
  }
}
