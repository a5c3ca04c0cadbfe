/// What is needed of a PE file's headers (Microsoft, "PE Format"), read from memory: where its parts lie.
struct PEHeader {
  struct Section {
    /// Offset from the image's base when loaded, in bytes.
    var address: UInt64
    /// Offset in the file, and how many bytes of it there are.
    var fileOffset: UInt64
    var fileSize: UInt64
    /// IMAGE_SCN_MEM_EXECUTE.
    var isExecutable: Bool
  }

  /// Bytes from the base to the end of the loaded image.
  var imageSize: UInt64
  var sections: [Section]

  /// Sections, at most: the loader's own limit.
  private static let sectionLimit = 96

  /// - Parameter base: where the file's first byte is mapped.
  init?(memory: some MemorySource, base: UInt64) {
    guard memory.load(UInt16.self, at: base) == 0x5a4d,
      let offset = memory.load(UInt32.self, at: base &+ 0x3c), offset < 1 << 20
    else { return nil }
    let file = base &+ UInt64(offset)
    guard memory.load(UInt32.self, at: file) == 0x4550,
      let count = memory.load(UInt16.self, at: file &+ 6), count <= Self.sectionLimit,
      let optionalSize = memory.load(UInt16.self, at: file &+ 20),
      let size = memory.load(UInt32.self, at: file &+ 24 &+ 56)
    else { return nil }
    imageSize = UInt64(size)
    sections = []
    let table = file &+ 24 &+ UInt64(optionalSize)
    for index in 0..<UInt64(count) {
      let entry = table &+ 40 &* index
      guard let address = memory.load(UInt32.self, at: entry &+ 12),
        let fileSize = memory.load(UInt32.self, at: entry &+ 16),
        let fileOffset = memory.load(UInt32.self, at: entry &+ 20),
        let flags = memory.load(UInt32.self, at: entry &+ 36)
      else { return nil }
      sections.append(
        Section(
          address: UInt64(address), fileOffset: UInt64(fileOffset), fileSize: UInt64(fileSize),
          isExecutable: flags & 0x2000_0000 != 0))
    }
  }

  /// Where the image was loaded, told by one of its mappings; nil when that holds none of its sections.
  ///
  /// The runtime maps the headers by themselves and each section at its own distance from them, with as
  /// much of the file around it as whole pages need: the first byte of the file may be mapped three times,
  /// and a page may hold the beginnings of two sections.
  func base(from mapping: Mapping) -> UInt64? {
    let size = mapping.end - mapping.start
    let held = sections.filter {
      $0.fileSize > 0 && $0.fileOffset >= mapping.offset && $0.fileOffset - mapping.offset < size
    }
    guard
      let section = held.first(where: { $0.isExecutable == mapping.isExecutable }) ?? held.first
    else { return nil }
    let start = mapping.start &+ (section.fileOffset - mapping.offset)
    return start >= section.address ? start - section.address : nil
  }
}
