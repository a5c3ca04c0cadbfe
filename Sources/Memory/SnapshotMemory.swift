/// Copies of parts of a process's memory, backed by another source for all the rest.
///
/// Stacks are copied while the process is frozen and walked after it runs again; code and unwind tables
/// do not change and are read from the live process when needed.
public final class SnapshotMemory: MemorySource {
  private let live: any MemorySource
  /// Ascending and without overlap.
  private var copies: [(start: UInt64, bytes: [UInt8])] = []
  /// The copy that answered last: a walk stays in one stack.
  private var recent = 0

  public init(live: any MemorySource) {
    self.live = live
  }

  /// Adds a copy; one that overlaps an earlier one is ignored (two threads on one stack).
  public func add(_ bytes: [UInt8], at address: UInt64) {
    guard !bytes.isEmpty, copies.isEmpty || index(at: address) == nil else { return }
    let position = copies.firstIndex { $0.start > address } ?? copies.count
    if position < copies.count, copies[position].start < address + UInt64(bytes.count) { return }
    copies.insert((address, bytes), at: position)
  }

  /// True when the byte at `address` has been copied.
  public func holds(_ address: UInt64) -> Bool {
    index(at: address) != nil
  }

  public func read(_ address: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    guard let index = index(at: address) else { return live.read(address, into: buffer) }
    recent = index
    let offset = Int(address - copies[index].start)
    let count = min(buffer.count, copies[index].bytes.count - offset)
    copies[index].bytes.withUnsafeBytes {
      buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[offset..<offset + count]))
    }
    guard count < buffer.count else { return count }
    return count
      + live.read(
        address + UInt64(count), into: UnsafeMutableRawBufferPointer(rebasing: buffer[count...]))
  }

  private func index(at address: UInt64) -> Int? {
    func holds(_ index: Int) -> Bool {
      let copy = copies[index]
      return copy.start <= address && address - copy.start < UInt64(copy.bytes.count)
    }
    if recent < copies.count, holds(recent) { return recent }
    var low = 0
    var high = copies.count
    while low < high {
      let middle = (low + high) / 2
      if copies[middle].start <= address { low = middle + 1 } else { high = middle }
    }
    return low > 0 && holds(low - 1) ? low - 1 : nil
  }
}
