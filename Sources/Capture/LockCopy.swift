import Inferior
import Memory

/// Copies, while the process stands still, the locks that blocked threads may be waiting for.
enum LockCopy {
  /// Locks at most: each costs about a microsecond.
  private static let most = 4096
  private static let pageSize: UInt64 = 4096

  /// - Parameter isOverBudget: true once the process has stood still for long enough.
  static func take(
    _ threads: [StoppedThread], live: ProcessMemory, into snapshot: SnapshotMemory,
    isOverBudget: () -> Bool
  ) {
    var words: Set<UInt64> = []
    for thread in threads where words.count < most {
      if let call = thread.registers?.futexCall { words.insert(call.word) }
    }
    if words.isEmpty || isOverBudget() { return }
    snapshot.add(words.flatMap(ranges), read: live.readDirectly)
  }

  /// Around a futex: the lock that it may be a part of. In two where a page ends, of which the other may be nobody's.
  private static func ranges(around word: UInt64) -> [Range<UInt64>] {
    let start = word - min(word, UInt64(PosixLock.before))
    let (end, overflow) = word.addingReportingOverflow(UInt64(PosixLock.after))
    guard !overflow else { return [] }
    let page = end & ~(pageSize - 1)
    return start < page && page < end ? [start..<page, page..<end] : [start..<end]
  }
}
