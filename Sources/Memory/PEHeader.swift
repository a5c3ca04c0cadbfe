/// The headers of a PE file (Microsoft, "PE Format"), read from memory: where its parts lie.
public struct PEHeader {
  /// Why it cannot be read, in a few words.
  public struct Problem: Error, Equatable {
    public let words: String
  }

  public struct Section {
    /// Offset from the image's base when loaded, in bytes.
    public var address: UInt64
    /// Offset in the file, and how many bytes of it there are.
    public var fileOffset: UInt64
    public var fileSize: UInt64
    /// IMAGE_SCN_MEM_EXECUTE.
    var isExecutable: Bool
  }

  /// A data directory, or another part: an address relative to the image, and a size in bytes.
  public struct Part {
    public var address: UInt32
    public var size: UInt32
    public init(address: UInt32, size: UInt32) {
      self.address = address
      self.size = size
    }
  }

  /// By their places in the optional header.
  public enum Directory: Int {
    case exceptions = 3
    case debug = 6
    case cli = 14
  }

  public let timeDateStamp: UInt32
  /// Bytes from the base to the end of the loaded image.
  public let imageSize: UInt64
  public let sections: [Section]
  private var directories: [Part] = []

  /// Sections, at most: the loader's own limit.
  private static let sectionLimit = 96

  /// - Parameter base: where the file's first byte lies.
  public init(memory: any MemorySource, base: UInt64) throws(Problem) {
    let damaged = Problem(words: "a PE file with damaged headers")
    guard memory.load(UInt16.self, at: base) == 0x5a4d,
      let offset = memory.load(UInt32.self, at: base &+ 0x3c), offset < 1 << 20
    else { throw Problem(words: "no PE file") }
    let file = base &+ UInt64(offset)
    let optional = file &+ 24
    guard memory.load(UInt32.self, at: file) == 0x4550,
      let count = memory.load(UInt16.self, at: file &+ 6),
      let stamp = memory.load(UInt32.self, at: file &+ 8),
      let optionalSize = memory.load(UInt16.self, at: file &+ 20),
      let magic = memory.load(UInt16.self, at: optional),
      let size = memory.load(UInt32.self, at: optional &+ 56)
    else { throw damaged }
    guard count <= Self.sectionLimit else {
      throw Problem(words: "a PE file with too many sections")
    }
    timeDateStamp = stamp
    imageSize = UInt64(size)
    var sections: [Section] = []
    let table = optional &+ UInt64(optionalSize)
    for index in 0..<UInt64(count) {
      let entry = table &+ 40 &* index
      guard let address = memory.load(UInt32.self, at: entry &+ 12),
        let fileSize = memory.load(UInt32.self, at: entry &+ 16),
        let fileOffset = memory.load(UInt32.self, at: entry &+ 20),
        let flags = memory.load(UInt32.self, at: entry &+ 36)
      else { throw damaged }
      sections.append(
        Section(
          address: UInt64(address), fileOffset: UInt64(fileOffset), fileSize: UInt64(fileSize),
          isExecutable: flags & 0x2000_0000 != 0))
    }
    self.sections = sections
    // PE32, PE32+: the directories come after their number.
    guard let start: UInt64 = [0x10b: 96, 0x20b: 112][magic] else {
      throw Problem(words: "a PE file of an unknown kind")
    }
    let declared = memory.load(UInt32.self, at: optional &+ start &- 4) ?? 0
    let room = UInt64(optionalSize) < start ? 0 : (UInt64(optionalSize) - start) / 8
    for index in 0..<min(UInt64(declared), room, 16) {
      let at = optional &+ start &+ 8 &* index
      guard let address = memory.load(UInt32.self, at: at),
        let size = memory.load(UInt32.self, at: at &+ 4)
      else { break }
      directories.append(Part(address: address, size: size))
    }
  }

  /// Where a directory lies; address 0 where the file has none.
  public func directory(_ directory: Directory) -> Part {
    directories.indices.contains(directory.rawValue)
      ? directories[directory.rawValue] : Part(address: 0, size: 0)
  }

  /// Where in the file something is that has this address in the loaded image; nil where there is none.
  public func fileOffset(of address: UInt32) -> UInt64? {
    let address = UInt64(address)
    let section = sections.first { $0.address <= address && address - $0.address < $0.fileSize }
    return section.map { $0.fileOffset + (address - $0.address) }
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
