import Memory
import Report

/// Tells which stack an address lies on.
struct StackFinder {
  let mappings: MappingTable
  let isMainThread: Bool
  /// Where thread-local storage lies; 0 when unknown.
  let threadPointer: UInt64
  let alternateStacks: [Range<UInt64>]

  /// The stack that `stackPointer` is on, or nil when it points into no mapping at all.
  func stack(at stackPointer: UInt64) -> StackRecord? {
    if let alternate = alternateStacks.first(where: { $0.contains(stackPointer) }) {
      return StackRecord(
        kind: .alternate, start: HexNumber(alternate.lowerBound),
        end: HexNumber(alternate.upperBound))
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
    return StackRecord(kind: kind, start: HexNumber(mapping.start), end: HexNumber(mapping.end))
  }

  /// After an overflow the stack pointer lies in the guard below the stack, or below that.
  private func mapping(at stackPointer: UInt64) -> Mapping? {
    if let mapping = mappings.containing(stackPointer), mapping.isWritable { return mapping }
    let above = mappings.firstIndex(after: stackPointer)
    guard above < mappings.mappings.count else { return nil }
    let next = mappings.mappings[above]
    let reach: UInt64 = 64 << 10
    return next.isWritable && next.start - stackPointer <= reach ? next : nil
  }

  /// True when a fault at `address` with this stack pointer is the end of a stack: the address is not
  /// writable, lies within one large frame of the stack pointer, and a writable stack begins right above.
  ///
  /// The distance decides between an overflow and a wild pointer that merely lands near a stack
  /// (origins.md, 4): 64 KiB covers a frame that jumps the guard page.
  func isAtStackEnd(fault address: UInt64, stackPointer: UInt64) -> Bool {
    let reach: UInt64 = 64 << 10
    let distance = address > stackPointer ? address - stackPointer : stackPointer - address
    guard distance <= reach else { return false }
    if let mapping = mappings.containing(address), mapping.isWritable { return false }
    let above = mappings.firstIndex(after: address)
    guard above < mappings.mappings.count else { return false }
    let next = mappings.mappings[above]
    let gap = next.start - address
    return next.isWritable && gap <= reach && stackPointer < next.end
  }

  /// True when a stack pointer has come to the last page of its stack, or below it.
  func isAtStackEnd(stackPointer: UInt64) -> Bool {
    guard let mapping = mapping(at: stackPointer) else { return false }
    let page: UInt64 = 4096
    return stackPointer < mapping.start + page
  }
}
