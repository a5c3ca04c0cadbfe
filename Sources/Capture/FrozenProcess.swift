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

/// Copies the stacks of stopped threads.
enum StackCopy {
  /// The red zone (System V ABI, AMD64, 3.2.2) and a margin: what a leaf function may use below SP.
  private static let below: UInt64 = 256
  /// Bytes of one stack, at most. The usual limit of a main thread's stack.
  private static let perThread = 8 << 20
  /// Bytes of a stack that is neither the main thread's nor holds the thread's control block.
  private static let foreignStack = 256 << 10
  /// Bytes of the outer end of a thread's own stack, when the thread is on another one.
  private static let otherStack = 128 << 10
  /// Bytes of all stacks.
  private static let total = 256 << 20

  /// - Returns: false when `isOverBudget` said so before the end.
  static func take(
    _ threads: [StoppedThread], pid: Int32, mappings: MappingTable, live: ProcessMemory,
    into snapshot: SnapshotMemory, isOverBudget: () -> Bool
  ) -> Bool {
    var budget = total
    func copy(_ range: Range<UInt64>) {
      let size = min(range.count, perThread, budget)
      guard size > 0 else { return }
      let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
        filled = live.readDirectly(
          range.lowerBound, into: UnsafeMutableRawBufferPointer(buffer))
      }
      budget -= bytes.count
      snapshot.add(bytes, at: range.lowerBound)
    }
    for thread in threads {
      guard let registers = thread.registers else { continue }
      if isOverBudget() { return false }
      let pointer = registers.stackPointer
      guard let stack = mappings.containing(pointer) else { continue }
      let own = Self.ownStack(of: thread, registers, pid: pid, mappings: mappings)
      // Stacks of fibres lie in one large mapping: all of it is not this thread's to copy.
      let limit = own?.contains(pointer) == true ? perThread : foreignStack
      let start = pointer - min(pointer - stack.start, below)
      if !snapshot.holds(pointer) { copy(start..<min(stack.end, start + UInt64(limit))) }
      // A handler on an alternate stack, or a coroutine: the walk may come back to the thread's own
      // stack, of which only the outer end is sure to be in use.
      if let own, !own.contains(pointer), own.isWritable {
        let start = own.end - min(own.end - own.start, UInt64(otherStack))
        copy(start..<own.end)
      }
    }
    return true
  }

  /// The stack that the thread was started with, where it can be told.
  private static func ownStack(
    of thread: StoppedThread, _ registers: RegisterSet, pid: Int32, mappings: MappingTable
  ) -> Mapping? {
    thread.id == pid
      ? mappings.mappings.first { $0.path == "[stack]" }
      : mappings.containing(registers.threadPointer)
  }
}
