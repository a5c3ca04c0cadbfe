/// Copies of parts of a process's memory, backed by another source for all the rest.
///
/// Stacks are copied while the process is frozen and walked after it runs again; code and unwind tables
/// do not change and are read from the live process when needed.
public final class SnapshotMemory: MemorySource {
  /// Part of the process as it was, at an address of ours.
  private struct Copy {
    var start: UInt64
    var bytes: UnsafeRawBufferPointer
    var end: UInt64 { start + UInt64(bytes.count) }
  }

  private let live: any MemorySource
  /// Where the copies' bytes are. Copies point into it.
  private let arena: CopyArena
  /// Ascending and without overlap.
  private var copies: [Copy] = []
  /// The copy that answered last: a walk stays in one stack.
  private var recent = 0

  public init(live: any MemorySource, arena: CopyArena = CopyArena()) {
    self.live = live
    self.arena = arena
  }

  /// The same copies for another thread of ours, over a source of its own: reading changes what both remember.
  public func sharing(live: any MemorySource) -> SnapshotMemory {
    let other = SnapshotMemory(live: live, arena: arena)
    other.copies = copies
    return other
  }

  /// Adds copies of `ranges`, whatever `read` can get of each.
  ///
  /// - Parameters:
  ///   - ranges: addresses; what has been copied before is left out (two threads on one stack).
  ///   - read: fills each buffer from the address before it, in order, and says with how many bytes.
  public func add(
    _ ranges: [Range<UInt64>],
    read: ([(address: UInt64, buffer: UnsafeMutableRawBufferPointer)]) -> [Int]
  ) {
    var wanted: [(address: UInt64, buffer: UnsafeMutableRawBufferPointer)] = []
    let isSorted = ranges.allSatisfy { $0.lowerBound >= copies.last?.end ?? 0 }
    var end: UInt64 = 0
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      for piece in uncopied(of: max(range.lowerBound, end)..<max(range.upperBound, end)) {
        guard let buffer = arena.allocate(piece.count) else { continue }
        wanted.append((piece.lowerBound, buffer))
      }
      end = max(end, range.upperBound)
    }
    for (piece, count) in zip(wanted, read(wanted)) where count > 0 {
      copies.append(
        Copy(start: piece.address, bytes: UnsafeRawBufferPointer(rebasing: piece.buffer[..<count])))
    }
    if !isSorted { copies.sort { $0.start < $1.start } }
  }

  /// The addresses around `address` of which there are copies; nil when there is none of its byte.
  public func copied(around address: UInt64) -> Range<UInt64>? {
    index(at: address).map { copies[$0].start..<copies[$0].end }
  }

  public func window(at address: UInt64) -> MemoryWindow? {
    guard let index = index(at: address) else { return nil }
    return MemoryWindow(start: copies[index].start, bytes: copies[index].bytes)
  }

  public func read(_ address: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    var done = 0
    while done < buffer.count, let index = index(at: address &+ UInt64(done)) {
      recent = index
      let bytes = copies[index].bytes
      let offset = Int(address &+ UInt64(done) - copies[index].start)
      let count = min(buffer.count - done, bytes.count - offset)
      UnsafeMutableRawBufferPointer(rebasing: buffer[done..<done + count])
        .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count]))
      done += count
    }
    guard done < buffer.count else { return done }
    return done
      + live.read(
        address &+ UInt64(done), into: UnsafeMutableRawBufferPointer(rebasing: buffer[done...]))
  }

  /// The parts of `range` of which there is no copy yet.
  private func uncopied(of range: Range<UInt64>) -> [Range<UInt64>] {
    var pieces: [Range<UInt64>] = []
    var start = range.lowerBound
    while start < range.upperBound {
      let next = position(after: start)
      if next > 0, copies[next - 1].end > start {
        start = copies[next - 1].end
        continue
      }
      let stop = next < copies.count ? min(range.upperBound, copies[next].start) : range.upperBound
      pieces.append(start..<stop)
      start = stop
    }
    return pieces
  }

  private func index(at address: UInt64) -> Int? {
    func holds(_ index: Int) -> Bool {
      copies[index].start <= address && address < copies[index].end
    }
    if recent < copies.count, holds(recent) { return recent }
    let next = position(after: address)
    return next > 0 && holds(next - 1) ? next - 1 : nil
  }

  /// The position of the first copy that begins above `address`.
  private func position(after address: UInt64) -> Int {
    var low = 0
    var high = copies.count
    while low < high {
      let middle = (low + high) / 2
      if copies[middle].start <= address { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
