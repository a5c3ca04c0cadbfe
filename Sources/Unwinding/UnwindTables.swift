import Memory

/// A table that leads from addresses to frame descriptions: pairs of 32-bit offsets in ascending order, as in
/// .eh_frame_hdr (LSB, Exception Frames).
struct UnwindTable {
  /// What the descriptions' offsets are relative to, an address.
  var base: UInt64
  /// True where the code's offsets are relative to the image's start, false where to `base` too.
  var isRelativeToImage: Bool
  /// Address of the first entry.
  var entries: UInt64
  var count: UInt64
}

extension UnwindTable {
  /// DW_EH_PE_udata4, DW_EH_PE_datarel | DW_EH_PE_sdata4. libunwind aborts the process on any other table
  /// encoding.
  private static let count4: UInt8 = 0x03
  private static let offsets4: UInt8 = 0x3b
  /// More functions than any file has; the bound keeps sums from overflowing.
  private static let maximumEntries: UInt64 = 1 << 26

  /// The linker's table, read from the image's memory; nil when it has none that can be searched.
  ///
  /// This is what libunwind's own find_proc_info gets wrong on libcoreclr.so, whose text segment has
  /// different file and memory offsets; finding it by the program headers in memory, the way Linux perf
  /// does, also covers the vDSO, deleted files and other mount namespaces, and maps no file (#739).
  init?(headerOf image: Image, memory: any MemorySource) {
    guard let segment = Self.headerSegment(image) else { return nil }
    base = segment.address &+ image.loadBias
    guard image.contains(base), let start = memory.bytes(at: base, count: 12),
      start[0] == 1, start[2] == Self.count4, start[3] == Self.offsets4,
      // The pointer to .eh_frame comes before the count: 4 bytes in every form but absolute ones.
      [0x0b, 0x03].contains(start[1] & 0x0f)
    else { return nil }
    isRelativeToImage = false
    count = UInt64(
      start.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 8, as: UInt32.self) })
    entries = base &+ 12
    guard count > 0, count <= Self.maximumEntries,
      count * 8 <= segment.memorySize.subtractingReportingOverflow(12).partialValue,
      segment.memorySize > 12
    else { return nil }
  }

  /// Of an image without a linker's table: its .eh_frame is read from end to end.
  ///
  /// - Parameter addresses: where .eh_frame lies, as the file has it; asked when no header tells.
  init?(
    scanning image: Image, memory: any MemorySource, addresses: (Image) -> Range<UInt64>?,
    into tables: inout TableMemory
  ) {
    guard let section = Self.exceptionFrames(image, memory: memory, addresses: addresses) else {
      return nil
    }
    var pairs: [UInt64] = []
    section.forEach { description, _ in
      Self.append(description.start, description.address, base: image.base, image, to: &pairs)
    }
    self.init(pairs, base: image.base, into: &tables)
  }

  /// Of the descriptions in `.debug_frame`.
  init?(debugFrames section: [UInt8], image: Image, into tables: inout TableMemory) {
    let frames = DebugFrames(section, loadBias: image.loadBias)
    guard !frames.descriptions.isEmpty else { return nil }
    let base = tables.add(frames.bytes)
    var pairs: [UInt64] = []
    for (start, offset) in frames.descriptions {
      Self.append(start, base + UInt64(offset), base: base, image, to: &pairs)
    }
    self.init(pairs, base: base, into: &tables)
  }

  /// - Parameter pairs: an entry each, the code's offset in the upper half: so they sort.
  private init?(_ pairs: [UInt64], base: UInt64, into tables: inout TableMemory) {
    guard !pairs.isEmpty else { return nil }
    self.base = base
    isRelativeToImage = true
    count = UInt64(pairs.count)
    // In memory the code's offset comes first.
    entries = tables.add(pairs.sorted().map { ($0 >> 32 | $0 << 32).littleEndian })
  }

  /// Adds an entry, if it fits: `description` is an address, and code lies in the image.
  private static func append(
    _ start: UInt64, _ description: UInt64, base: UInt64, _ image: Image, to pairs: inout [UInt64]
  ) {
    guard image.contains(start), let code = Int32(exactly: start - image.base),
      let offset = Int32(exactly: Int64(bitPattern: description &- base))
    else { return }
    pairs.append(UInt64(UInt32(bitPattern: code)) << 32 | UInt64(UInt32(bitPattern: offset)))
  }

  // MARK: Finding .eh_frame

  /// More than any program's, in bytes.
  private static let maximumSection: UInt64 = 1 << 30

  private static func headerSegment(_ image: Image) -> ElfSegment? {
    image.segments.first { $0.type == ElfSegment.exceptionFrameHeader }
  }

  private static func exceptionFrames(
    _ image: Image, memory: any MemorySource, addresses: (Image) -> Range<UInt64>?
  ) -> FrameSection? {
    if let start = exceptionFrames(byHeaderOf: image, memory: memory) {
      // How long it is stands nowhere in memory; it ends with its segment at the latest.
      guard let mapping = image.mappings.first(where: { $0.contains(start) }) else { return nil }
      return FrameSection(
        memory: memory, range: start..<start + min(mapping.end - start, maximumSection),
        form: .exceptionFrames, endsAtZero: true)
    }
    guard let found = addresses(image) else { return nil }
    // Not `count`, which is an Int: the file may say anything.
    let size = found.upperBound - found.lowerBound
    let start = found.lowerBound &+ image.loadBias
    guard size <= maximumSection, image.contains(start), size <= image.end - start else {
      return nil
    }
    return FrameSection(memory: memory, range: start..<start + size, form: .exceptionFrames)
  }

  /// Where .eh_frame begins: said also by a header that has no table.
  private static func exceptionFrames(byHeaderOf image: Image, memory: any MemorySource) -> UInt64?
  {
    guard let segment = headerSegment(image) else { return nil }
    let header = segment.address &+ image.loadBias
    let bytes = memory.prefix(at: header, atMost: 12)
    guard bytes.count == 12, bytes[0] == 1 else { return nil }
    var cursor = FrameCursor(bytes[4...], at: header &+ 4)
    guard let start = cursor.pointer(bytes[1]), image.contains(start) else { return nil }
    return start
  }
}
