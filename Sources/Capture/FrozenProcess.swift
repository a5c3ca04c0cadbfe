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
  /// In bytes: some 600,000 mappings, ten times what the kernel allows by default.
  private static let limit = 64 << 20

  init(_ directory: borrowing ProcessDirectory) {
    // Empty for a leader that has exited: what counts is read through a thread that lives.
    text = directory.contents(of: "maps", limit: Self.limit) ?? []
    mappings = MappingTable(text: text)
  }

  /// The map as it is now, seen through `thread`.
  func updated(_ directory: borrowing ProcessDirectory, thread: Int32) -> MappingTable {
    let now = directory.contents(of: "task/\(thread)/maps", limit: Self.limit) ?? []
    return now == text ? mappings : MappingTable(text: now)
  }
}
