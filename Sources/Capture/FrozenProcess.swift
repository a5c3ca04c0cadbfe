import Inferior
import Memory

/// All that had to be taken while the process stood still: the rest is done after it runs again.
struct FrozenProcess {
  var threads: [StoppedThread]
  /// The thread through which memory and files are read: the leader may be a zombie.
  var liveThread: Int32
  var mappings: MappingTable
  /// Stack copies over live memory.
  var memory: SnapshotMemory
  /// Milliseconds from the first thread's stop to the last one's release.
  var milliseconds: Double
  /// True when the freeze budget ran out before every stack had been copied.
  var isCutShort = false
}

/// The memory map before anybody was stopped. While the process stands still the text is read again, and
/// taken apart only where it has changed: that takes longer than all the rest of the freeze.
struct MapReading {
  let mappings: MappingTable
  private let text: [UInt8]
  /// Milliseconds that reading the text has taken: about one for a thousand mappings.
  private let cost: Double
  /// In bytes: some 600,000 mappings, ten times what the kernel allows by default.
  private static let limit = 64 << 20

  init(_ directory: borrowing ProcessDirectory) {
    let start = Instant.now
    // Empty for a leader that has exited: what counts is read through a thread that lives.
    text = directory.contents(of: "maps", limit: Self.limit) ?? []
    cost = Instant.now.milliseconds(since: start)
    mappings = MappingTable(text: text)
  }

  /// The map as it is now, seen through `thread`; as it was where there is not the time to read it again
  /// until `limit`.
  func updated(
    _ directory: borrowing ProcessDirectory, thread: Int32, until limit: Instant? = nil
  ) -> MappingTable {
    if let limit, !mappings.mappings.isEmpty, limit.milliseconds(since: .now) < 2 * cost {
      return mappings
    }
    let now = directory.contents(of: "task/\(thread)/maps", limit: Self.limit) ?? []
    return now == text ? mappings : MappingTable(text: now)
  }
}
