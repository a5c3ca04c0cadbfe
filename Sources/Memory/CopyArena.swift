import Glibc

/// Room for copies, which stays where it is until all of it is given back.
public final class CopyArena {
  private var blocks: [UnsafeMutableRawBufferPointer] = []
  /// Bytes of the last block that are taken.
  private var used = 0
  /// Bytes of a block, at least.
  private static let blockSize = 1 << 20

  /// - Parameters:
  ///   - room: bytes to have ready before there is anything to copy: the first touch of a page costs more than
  ///     copying it does, and the process would stand still meanwhile.
  ///   - share: calls its second argument for parts of as many items as its first says, at once if it can: two
  ///     cores touch pages in half the time.
  public init(
    room: Int = 0, share: (Int, (Range<Int>) -> Void) -> Void = { $1(0..<$0) }
  ) {
    guard room > 0, let block = grow(room) else { return }
    let unit = Self.blockSize
    share((block.count + unit - 1) / unit) { part in
      let bytes = part.lowerBound * unit..<min(block.count, part.upperBound * unit)
      // Before Linux 5.14 the pages come as they are used.
      madvise(block.baseAddress.map { $0 + bytes.lowerBound }, bytes.count, Self.populateWrite)
    }
  }

  deinit {
    for block in blocks { munmap(block.baseAddress, block.count) }
  }

  /// `count` bytes, undefined; nil when there is no memory.
  func allocate(_ count: Int) -> UnsafeMutableRawBufferPointer? {
    var block = blocks.last
    if block.map({ $0.count - used < count }) ?? true { block = grow(max(count, Self.blockSize)) }
    guard let block else { return nil }
    defer { used += count }
    return UnsafeMutableRawBufferPointer(rebasing: block[used..<used + count])
  }

  private func grow(_ count: Int) -> UnsafeMutableRawBufferPointer? {
    let size = (count + 4095) & ~4095
    let start = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let start, start != MAP_FAILED else { return nil }
    let block = UnsafeMutableRawBufferPointer(start: start, count: size)
    blocks.append(block)
    used = 0
    return block
  }

  /// MADV_POPULATE_WRITE (asm-generic/mman-common.h).
  private static let populateWrite: CInt = 23
}
