import Memory

/// Where an image's unwind tables lie, read from its memory once.
///
/// This is what libunwind's own find_proc_info gets wrong on libcoreclr.so, whose text segment has
/// different file and memory offsets; finding it by the program headers in memory, the way Linux perf
/// does, also covers the vDSO, deleted files and other mount namespaces, and maps no file (#739).
struct UnwindTable {
  /// Address of .eh_frame_hdr in the target.
  var header: UInt64
  /// Address of the first entry of its binary search table.
  var table: UInt64
  var entries: UInt64

  /// DW_EH_PE_udata4, DW_EH_PE_datarel | DW_EH_PE_sdata4 (LSB, Exception Frames). libunwind aborts the
  /// process on any other table encoding.
  private static let count4: UInt8 = 0x03
  private static let offsets4: UInt8 = 0x3b
  /// More functions than any file has; the bound keeps sums from overflowing.
  private static let maximumEntries: UInt64 = 1 << 26

  /// Nil when the image has no table that can be searched.
  init?(image: Image, memory: any MemorySource) {
    guard
      let segment = image.segments.first(where: { $0.type == ElfSegment.exceptionFrameHeader })
    else { return nil }
    header = segment.address &+ image.loadBias
    guard image.contains(header), let start = memory.bytes(at: header, count: 12),
      start[0] == 1, start[2] == Self.count4, start[3] == Self.offsets4,
      // The pointer to .eh_frame comes before the count: 4 bytes in every form but absolute ones.
      [0x0b, 0x03].contains(start[1] & 0x0f)
    else { return nil }
    entries = UInt64(
      start.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 8, as: UInt32.self) })
    table = header &+ 12
    guard entries > 0, entries <= Self.maximumEntries,
      entries * 8 <= segment.memorySize.subtractingReportingOverflow(12).partialValue,
      segment.memorySize > 12
    else { return nil }
  }
}
