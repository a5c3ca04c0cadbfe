import Inferior
import Memory

/// Copies, while the process stands still, what unwinding needs of images that are nowhere but in its memory: the
/// vDSO, and files that have been deleted.
///
/// Anything else is a file's, and can be had when the process has ended or let go of it.
enum UnwindCopy {
  /// Bytes of one image, and of all: unwind information of libcoreclr, the largest that we know, is 1.3 MB.
  private static let (perImage, total): (UInt64, UInt64) = (4 << 20, 16 << 20)
  /// Bytes in which an image's headers and its build-id lie.
  private static let headers: UInt64 = 4096
  private static let vdso: UInt64 = 64 << 10
  /// Bytes at the start of its data: unwind information of C++ names its personality routine by way of a word
  /// there, and libunwind gives up where that cannot be read.
  private static let data: UInt64 = 64 << 10

  /// Images at most: anyone can map thousands of files in memory.
  private static let mostImages = 64
  /// Bytes between two looks at the clock.
  private static let piece: UInt64 = 1 << 20

  /// What is to be copied: found before anybody stands still, because it takes reading the images' headers.
  static func wanted(_ mappings: MappingTable, live: ProcessMemory) -> [Range<UInt64>] {
    let own = mappings.mappings.filter { $0.isDeleted || $0.path == "[vdso]" }
    // The vDSO is one of the last mappings, and everybody has it.
    let images = ImageTable(mappings: MappingTable(own.suffix(4 * mostImages)), memory: live)
      .images.suffix(mostImages)
    var left = total
    return images.flatMap(ranges).filter { range in
      guard UInt64(range.count) <= left else { return false }
      left -= UInt64(range.count)
      return true
    }
  }

  /// - Parameters:
  ///   - ranges: from ``wanted(_:live:)``.
  ///   - isOverBudget: true once the process has stood still for long enough.
  static func take(
    _ ranges: [Range<UInt64>], live: ProcessMemory, into snapshot: SnapshotMemory,
    isOverBudget: () -> Bool
  ) {
    for range in ranges {
      for start in stride(from: range.lowerBound, to: range.upperBound, by: Int(piece)) {
        if isOverBudget() { return }
        snapshot.add(
          [start..<min(range.upperBound, start + piece)], read: live.readDirectly)
      }
    }
  }

  /// Where its headers and its unwind information are. The table and the information that it leads to share a
  /// segment, and all linkers write them last or nearly so.
  static func ranges(of image: Image) -> [Range<UInt64>] {
    if image.kind == .vdso { return [image.base..<min(image.end, image.base + vdso)] }
    guard image.kind == .elf,
      let header = image.segments.first(where: { $0.type == ElfSegment.exceptionFrameHeader }),
      let segment = image.segments.first(where: {
        $0.type == ElfSegment.load && $0.address <= header.address
          && header.address - $0.address < $0.fileSize
      })
    else { return [] }
    func range(_ address: UInt64, _ size: UInt64) -> Range<UInt64>? {
      let start = address &+ image.loadBias
      guard image.contains(start) else { return nil }
      return start..<start + min(size, image.end - start)
    }
    let writable: UInt32 = 2
    let data = image.segments.filter { $0.type == ElfSegment.load && $0.flags & writable != 0 }
    let table = segment.fileSize - (header.address - segment.address)
    return [
      image.base..<min(image.end, image.base + headers),
      range(header.address, min(table, perImage)),
      data.first.flatMap { range($0.address, min($0.fileSize, Self.data)) },
    ].compactMap { $0 }
  }
}
