import Memory
import Report
import Unwinding

/// Tells which stack an address lies on.
struct StackFinder {
  let mappings: MappingTable
  let isMainThread: Bool
  /// Where thread-local storage lies; 0 when unknown.
  let threadPointer: UInt64
  let alternateStacks: [Range<UInt64>]

  /// The stack that `stackPointer` is on, or nil when it points into no mapping at all.
  func stack(at stackPointer: UInt64) -> StackRecord? {
    if let alternate = alternateStacks.first(where: { isOn($0, stackPointer) }) {
      return record(.alternate, alternate.lowerBound, alternate.upperBound)
    }
    guard let mapping = mapping(at: stackPointer) else { return nil }
    let kind: StackRecord.Kind =
      if mapping.path == "[stack]" {
        // Another thread may well run on a part of the main thread's stack; that is then no stack of
        // its own.
        isMainThread ? .main : .custom
      } else if !isMainThread, mapping.contains(threadPointer) {
        .thread
      } else {
        .custom
      }
    return record(kind, mapping.start, mapping.end)
  }

  /// The stacks that a walk came by, innermost first, each once.
  ///
  /// - Parameter home: the one that it began on; most walks stay there.
  func stacks(of steps: [Walk.Step], home: StackRecord?) -> [StackRecord] {
    if let home {
      let (start, end) = (home.start.value, home.end.value)
      if steps.allSatisfy({ start <= $0.sp && $0.sp < end }) { return [home] }
    }
    var found: [StackRecord] = []
    var last: Range<UInt64> = 0..<0
    for step in steps where !last.contains(step.sp) {
      guard let stack = stack(at: step.sp) else { continue }
      last = stack.start.value..<max(stack.start.value, stack.end.value)
      if !found.contains(stack), found.count < Self.mostStacks { found.append(stack) }
    }
    return found
  }

  private static let mostStacks = 64

  /// Also for an empty stack, whose pointer is at its end, and for one that was used up.
  private func isOn(_ stack: Range<UInt64>, _ stackPointer: UInt64) -> Bool {
    if stack.contains(stackPointer) || stackPointer == stack.upperBound { return true }
    guard stackPointer < stack.lowerBound, stack.lowerBound - stackPointer <= Self.reach else {
      return false
    }
    return mappings.containing(stackPointer)?.isWritable != true
      && mapping(at: stackPointer)?.contains(stack.lowerBound) == true
  }

  private func record(_ kind: StackRecord.Kind, _ start: UInt64, _ end: UInt64) -> StackRecord {
    var record = StackRecord(kind: kind, start: HexNumber(start), end: HexNumber(end))
    if let below = guardMapping(below: start) {
      record.guardPages = StackRecord.Guard(
        start: HexNumber(below.start), end: HexNumber(below.end))
    }
    return record
  }

  private func guardMapping(below start: UInt64) -> Mapping? {
    guard start > 0, let below = mappings.containing(start - 1), below.end == start,
      below.permissions.utf8.prefix(3).allSatisfy({ $0 == UInt8(ascii: "-") })
    else { return nil }
    return below
  }

  /// After an overflow the stack pointer lies in the guard below the stack, or below that.
  private func mapping(at stackPointer: UInt64) -> Mapping? {
    if let mapping = mappings.containing(stackPointer), mapping.isWritable { return mapping }
    // An empty stack's pointer is at its end.
    if stackPointer > 0, let below = mappings.containing(stackPointer - 1), below.isWritable {
      return below
    }
    let above = mappings.firstIndex(after: stackPointer)
    guard above < mappings.mappings.count else { return nil }
    let next = mappings.mappings[above]
    return next.isWritable && next.start - stackPointer <= Self.reach ? next : nil
  }

  /// True when a page fault with this stack pointer is the end of a stack.
  ///
  /// The distance of the two decides between an overflow and a wild pointer that merely lands near a stack
  /// (origins.md, 4).
  ///
  /// - Parameters:
  ///   - isUnmapped: the kernel knows of no memory at `address` (SEGV_MAPERR).
  ///   - caller: the caller's stack pointer, where the walk has found one.
  func isAtStackEnd(
    fault address: UInt64, stackPointer: UInt64, isUnmapped: Bool, caller: UInt64?
  ) -> Bool {
    let distance = address > stackPointer ? address - stackPointer : stackPointer - address
    guard distance <= Self.reach, !isAtUpperEnd(address, stackPointer) else { return false }
    if let mapping = mappings.containing(address), mapping.isWritable {
      // A guard that is no mapping of its own (MADV_GUARD_INSTALL, Linux 6.13; glibc 2.42 makes such).
      return isUnmapped
    }
    let above = mappings.firstIndex(after: address)
    guard above < mappings.mappings.count else { return false }
    let next = mappings.mappings[above]
    if next.isWritable, next.start - address <= Self.reach, stackPointer < next.end { return true }
    return isLargeFrame(stackPointer: stackPointer, caller: caller)
  }

  /// True for an access above the stack pointer, beyond the upper end of the memory that it is in: more was
  /// popped than pushed.
  private func isAtUpperEnd(_ address: UInt64, _ stackPointer: UInt64) -> Bool {
    let word: UInt64 = 8
    guard stackPointer >= word, let below = mappings.containing(stackPointer - word) else {
      return false
    }
    return below.isWritable && address >= below.end && address - stackPointer < 8 * word
  }

  /// True when a frame has reached from a thread's own stack to far below it: over its guard, and more.
  private func isLargeFrame(stackPointer: UInt64, caller: UInt64?) -> Bool {
    guard let caller, let stack = mappings.containing(caller), stack.isWritable,
      stackPointer < stack.start, stack.start - stackPointer <= Self.largestFrame,
      mappings.containing(stackPointer)?.isWritable != true
    else { return false }
    if isMainThread ? stack.path == "[stack]" : stack.contains(threadPointer) { return true }
    // Of any other memory the guard below says that it is a stack.
    return guardMapping(below: stack.start) != nil && stack.start - stackPointer <= Self.reach
  }

  /// Bytes: covers a frame that jumps the guard page.
  private static let reach: UInt64 = 64 << 10
  private static let largestFrame: UInt64 = 1 << 30

  /// True when a stack pointer has come to the last page of its stack, or below it.
  func isAtStackEnd(stackPointer: UInt64) -> Bool {
    guard let mapping = mapping(at: stackPointer) else { return false }
    let page: UInt64 = 4096
    return stackPointer < mapping.start + page
  }
}
