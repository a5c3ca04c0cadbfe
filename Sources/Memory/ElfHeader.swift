/// The header of an ELF file as it lies in memory: just enough to find segments and the build-id.
///
/// elfutils reads files; this reads the target's memory, which also works for deleted and replaced
/// files, other mount namespaces and the vDSO. Layouts: elf(5).
struct ElfHeader {
  /// 2 for a fixed address (ET_EXEC), 3 for a shared object or a position-independent executable.
  var type: UInt16
  var segments: [ElfSegment]

  /// More program headers than any linker writes; a bound against a corrupt header.
  private static let maximumSegments = 128
  /// Longest PT_NOTE segment that is read, in bytes.
  private static let maximumNotes = 64 * 1024
  /// PT_NOTE segments that are looked at: linkers write three at most.
  private static let mostNoteSegments = 4
  private static let programHeaderSize = 56

  /// Nil unless a 64-bit little-endian ELF header lies at `base`.
  init?(memory: some MemorySource, base: UInt64) {
    let bytes = memory.prefix(at: base, atMost: 64)
    guard bytes.count == 64, bytes.starts(with: [0x7f, 0x45, 0x4c, 0x46, 2, 1]) else { return nil }
    let (type, offset, entrySize, count) = bytes.withUnsafeBytes {
      (
        $0.loadUnaligned(fromByteOffset: 16, as: UInt16.self),
        $0.loadUnaligned(fromByteOffset: 32, as: UInt64.self),
        $0.loadUnaligned(fromByteOffset: 54, as: UInt16.self),
        $0.loadUnaligned(fromByteOffset: 56, as: UInt16.self)
      )
    }
    guard entrySize == Self.programHeaderSize, count > 0, count <= Self.maximumSegments,
      offset < 1 << 32
    else { return nil }
    guard
      let table = memory.bytes(
        at: base &+ offset, count: Int(count) * Self.programHeaderSize)
    else { return nil }
    self.type = type
    segments = table.withUnsafeBytes { raw in
      (0..<Int(count)).map { index in
        let at = index * Self.programHeaderSize
        return ElfSegment(
          type: raw.loadUnaligned(fromByteOffset: at, as: UInt32.self),
          flags: raw.loadUnaligned(fromByteOffset: at + 4, as: UInt32.self),
          offset: raw.loadUnaligned(fromByteOffset: at + 8, as: UInt64.self),
          address: raw.loadUnaligned(fromByteOffset: at + 16, as: UInt64.self),
          fileSize: raw.loadUnaligned(fromByteOffset: at + 32, as: UInt64.self),
          memorySize: raw.loadUnaligned(fromByteOffset: at + 40, as: UInt64.self))
      }
    }
  }

  /// What to add to the file's addresses to get those in memory, given where its first byte lies.
  func loadBias(base: UInt64) -> UInt64 {
    guard let first = segments.first(where: { $0.type == ElfSegment.load }) else { return base }
    return base &- (first.address &- first.offset)
  }

  /// The first address after the last loadable segment, in the file's own terms.
  var endAddress: UInt64 {
    segments.lazy.filter { $0.type == ElfSegment.load }
      .map { $0.address &+ $0.memorySize }.max() ?? 0
  }

  /// The descriptor of the NT_GNU_BUILD_ID note, or nil.
  func buildID(memory: some MemorySource, loadBias: UInt64) -> [UInt8]? {
    for segment in segments.filter({ $0.type == ElfSegment.note }).prefix(Self.mostNoteSegments) {
      let size = Int(min(segment.memorySize, UInt64(Self.maximumNotes)))
      let notes = memory.prefix(at: segment.address &+ loadBias, atMost: size)
      if let found = Self.buildID(notes: notes) { return found }
    }
    return nil
  }

  /// Notes are a name size, a descriptor size and a type of 4 bytes each, then name and descriptor,
  /// both padded to 4 bytes.
  static func buildID(notes: [UInt8]) -> [UInt8]? {
    let gnuBuildID: UInt32 = 3
    var at = 0
    while at + 12 <= notes.count {
      let (nameSize, size, type) = notes.withUnsafeBytes {
        (
          Int($0.loadUnaligned(fromByteOffset: at, as: UInt32.self)),
          Int($0.loadUnaligned(fromByteOffset: at + 4, as: UInt32.self)),
          $0.loadUnaligned(fromByteOffset: at + 8, as: UInt32.self)
        )
      }
      let name = at + 12
      let descriptor = name + (nameSize + 3) & ~3
      guard descriptor + size <= notes.count else { return nil }
      if type == gnuBuildID, nameSize == 4, notes[name..<name + 4].elementsEqual("GNU\0".utf8),
        size > 0, size <= 64
      {
        return Array(notes[descriptor..<descriptor + size])
      }
      at = descriptor + (size + 3) & ~3
    }
    return nil
  }
}
