import Inferior
import Memory

/// Copies the stacks of stopped threads.
enum StackCopy {
  /// The red zone (System V ABI, AMD64, 3.2.2) and a margin: what a leaf function may use below SP.
  private static let below: UInt64 = 256
  /// Bytes of one stack, at most: a million frames of native recursion and some.
  private static let perThread: UInt64 = 128 << 20
  /// Bytes of a stack that is neither the main thread's nor holds the thread's control block.
  private static let foreignStack: UInt64 = 256 << 10
  /// Bytes of the outer end of a thread's own stack, when the thread is on another one.
  private static let otherStack: UInt64 = 128 << 10
  /// Bytes of all stacks.
  private static let total: UInt64 = 256 << 20
  /// Bytes between two looks at the clock: half a millisecond of copying.
  private static let piece: UInt64 = 4 << 20
  /// Bytes that a thread usually has on its stack, with its control block.
  private static let usual: UInt64 = 16 << 10
  /// Bytes to have ready for all threads but the main one: making room for thousands costs more than it saves.
  private static let ready: UInt64 = 10 << 20

  /// How many bytes of room to have ready for the stacks of so many threads.
  static func room(threads: Int, mappings: MappingTable) -> Int {
    let main = mappings.mappings.last { $0.path == "[stack]" }.map { $0.end - $0.start } ?? 0
    return Int(min(main, perThread) + min(ready, UInt64(max(0, threads)) * usual))
  }

  /// - Returns: false when `isOverBudget` said so before the end.
  static func take(
    _ threads: [StoppedThread], pid: Int32, mappings: MappingTable, live: ProcessMemory,
    into snapshot: SnapshotMemory, isOverBudget: () -> Bool
  ) -> Bool {
    var left = total
    var batch: [Range<UInt64>] = []
    var size: UInt64 = 0
    let main = mappings.mappings.last { $0.path == "[stack]" }
    for thread in threads {
      guard let registers = thread.registers else { continue }
      let own = thread.id == pid ? main : mappings.containing(registers.threadPointer)
      for range in ranges(registers, own: own, mappings: mappings) {
        for piece in pieces(of: range, atMost: left) {
          left -= UInt64(piece.count)
          size += UInt64(piece.count)
          batch.append(piece)
          guard size >= Self.piece else { continue }
          if isOverBudget() { return false }
          snapshot.add(batch, read: live.readDirectly)
          (batch, size) = ([], 0)
        }
      }
    }
    if isOverBudget() { return batch.isEmpty }
    snapshot.add(batch, read: live.readDirectly)
    return true
  }

  /// What a thread may come by on its way out.
  ///
  /// - Parameter own: the stack that it was started with, where that can be told.
  private static func ranges(
    _ registers: RegisterSet, own: Mapping?, mappings: MappingTable
  ) -> [Range<UInt64>] {
    let pointer = registers.stackPointer
    guard let stack = mappings.containing(pointer) else { return [] }
    let isOwn = own?.contains(pointer) == true
    let start = pointer - min(pointer - stack.start, below)
    // Stacks of fibres lie in one large mapping: all of it is not this thread's to copy.
    // Above it is no stack but the thread's own record, 2 KB of glibc's: on both architectures it lies at the top.
    let pointerOfThread = registers.threadPointer
    let end =
      pointer < pointerOfThread && stack.contains(pointerOfThread) ? pointerOfThread : stack.end
    let size = min(end - start, isOwn ? perThread : foreignStack)
    var ranges = [start..<start + size]
    // A handler on an alternate stack, or a coroutine: the walk may come back to the thread's own stack,
    // of which only the outer end is sure to be in use.
    if let own, !isOwn, own.isWritable {
      ranges.append(own.end - min(own.end - own.start, otherStack)..<own.end)
    }
    return ranges
  }

  private static func pieces(of range: Range<UInt64>, atMost limit: UInt64) -> [Range<UInt64>] {
    let end = range.lowerBound + min(UInt64(range.count), limit)
    return stride(from: range.lowerBound, to: end, by: Int(piece)).map {
      $0..<min(end, $0 + piece)
    }
  }
}
