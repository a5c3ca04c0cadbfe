/// Pages of some memory as they were at their first reading.
///
/// Code, headers and tables are read a few bytes at a time; a system call for each would cost more than all
/// the rest.
public final class PageCache: MemorySource {
  private static let pageSize = 4096
  private let slots: Int
  private let pages: UnsafeMutableRawBufferPointer
  private let source: any MemorySource
  /// Which page a slot holds (its address; 1, which is no page's address, for none), and how much of it
  /// could be read, in bytes.
  private var tags: [UInt64]
  private var sizes: [Int]

  /// - Parameters:
  ///   - source: asked for whole pages, and for everything that is larger.
  ///   - slots: how many pages to keep; a power of two.
  public init(_ source: any MemorySource, slots: Int = 512) {
    self.source = source
    self.slots = slots
    tags = Array(repeating: 1, count: slots)
    sizes = Array(repeating: 0, count: slots)
    pages = .allocate(byteCount: slots * Self.pageSize, alignment: Self.pageSize)
  }

  deinit { pages.deallocate() }

  /// The next reading sees memory as it is then.
  public func forget() {
    for slot in tags.indices { tags[slot] = 1 }
  }

  public func read(_ address: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    if buffer.count >= Self.pageSize { return source.read(address, into: buffer) }
    var done = 0
    while done < buffer.count {
      let (at, wraps) = address.addingReportingOverflow(UInt64(done))
      if wraps { break }
      let page = at & ~UInt64(Self.pageSize - 1)
      let slot = Int(truncatingIfNeeded: page >> 12) & (slots - 1)
      let start = slot * Self.pageSize
      if tags[slot] != page {
        sizes[slot] = source.read(
          page, into: UnsafeMutableRawBufferPointer(rebasing: pages[start..<start + Self.pageSize]))
        tags[slot] = page
      }
      let offset = Int(at - page)
      let count = min(buffer.count - done, sizes[slot] - offset)
      if count <= 0 { break }
      let bytes = UnsafeRawBufferPointer(rebasing: pages[start + offset..<start + offset + count])
      UnsafeMutableRawBufferPointer(rebasing: buffer[done..<done + count]).copyMemory(from: bytes)
      done += count
    }
    return done
  }
}
