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

/// The memory map as it was before anybody was stopped, and how to have a newer one.
///
/// Reading 5,000 mappings takes 10 ms: nobody stands still for it. Before the stop they tell where the stacks
/// are, and after it what lies where.
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

  /// The same, later.
  init(_ directory: borrowing ProcessDirectory, after earlier: MapReading) {
    text = directory.contents(of: "maps", limit: Self.limit) ?? []
    // Taking it apart takes as long as reading it.
    mappings = text == earlier.text ? earlier.mappings : MappingTable(text: text)
  }

  /// True when every stack is where it was: no thread is new, none has grown its stack.
  func holdsStacks(of threads: [StoppedThread]) -> Bool {
    threads.allSatisfy { thread in
      guard let registers = thread.registers else { return true }
      return mappings.index(containing: registers.stackPointer).map {
        mappings.mappings[$0].isWritable
      } ?? false
    }
  }

  /// The map as it is now, seen through `thread`; as it was if the process is gone.
  func updated(_ directory: borrowing ProcessDirectory, thread: Int32) -> MappingTable {
    let now = directory.contents(of: "task/\(thread)/maps", limit: Self.limit) ?? []
    if now == text { return mappings }
    // What was read of a process that ended meanwhile may be half of it.
    let isThere = directory.contents(of: "task/\(thread)/maps", limit: 64)?.isEmpty == false
    return isThere ? MappingTable(text: now) : mappings
  }
}
