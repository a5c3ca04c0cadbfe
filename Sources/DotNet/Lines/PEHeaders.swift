internal import Memory

/// Why a PE file cannot be read.
public enum PEError: Error, Sendable, Equatable {
  /// It ends early, contradicts itself, or is none; what exactly, in a few words.
  case damaged(String)
  /// A PE file without managed code.
  case notManaged
}

extension PEError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .damaged(let problem): problem
    case .notManaged: "no managed code"
    }
  }
}

/// The headers of an assembly (PE format specification; ECMA-335 II.25), in memory as the file has it or as
/// a loader lays it out: the runtime does either, and this tells which.
struct PEHeaders {
  /// A data directory, or another part: an address relative to the image, and a size in bytes.
  struct Part {
    var rva: UInt32
    var size: UInt32
  }

  let timeDateStamp: UInt32
  let sizeOfImage: UInt32
  let debug: Part
  let metadata: Part

  private struct Section {
    var rva: UInt32
    var size: UInt32
    var offset: UInt32
  }

  private let base: UInt64
  private let sections: [Section]
  /// True if addresses in the image are offsets from its base.
  let isLoaded: Bool

  /// The loader's own limit.
  private static let sectionLimit = 96
  private static let cliHeaderSize: UInt32 = 72

  /// - Parameter base: where the image, or the file, starts.
  init(_ memory: any MemorySource, at base: UInt64) throws(PEError) {
    self.base = base
    let dos = Record(memory, at: base, count: 64)
    guard dos.u16(0) == 0x5a4d, let start = dos.u32(0x3c), start < 1 << 20 else {
      throw .damaged("no PE file")
    }
    // The signature, the file header, and a 64-bit optional header with all its directories.
    let head = Record(memory, at: base &+ UInt64(start), count: 24 + 240)
    guard head.u32(0) == 0x4550, let sectionCount = head.u16(6), let stamp = head.u32(8),
      let optionalSize = head.u16(20), let magic = head.u16(24), let imageSize = head.u32(24 + 56)
    else { throw .damaged("a PE file with damaged headers") }
    timeDateStamp = stamp
    sizeOfImage = imageSize
    let directories: Int
    switch magic {
    case 0x10b: directories = 24 + 96
    case 0x20b: directories = 24 + 112
    default: throw .damaged("a PE file of an unknown kind")
    }
    func directory(_ index: Int) -> Part {
      let at = directories + index * 8
      guard index < head.u32(directories - 4) ?? 0, at + 8 <= 24 + Int(optionalSize),
        let rva = head.u32(at), let size = head.u32(at + 4)
      else { return Part(rva: 0, size: 0) }
      return Part(rva: rva, size: size)
    }
    debug = directory(6)
    let cli = directory(14)
    guard cli.rva != 0, cli.size >= Self.cliHeaderSize else { throw .notManaged }

    guard sectionCount <= Self.sectionLimit else {
      throw .damaged("a PE file with too many sections")
    }
    let table = Record(
      memory, at: base &+ UInt64(start) &+ 24 &+ UInt64(optionalSize), count: Int(sectionCount) * 40
    )
    var sections: [Section] = []
    for index in 0..<Int(sectionCount) {
      guard let rva = table.u32(index * 40 + 12), let size = table.u32(index * 40 + 16),
        let offset = table.u32(index * 40 + 20)
      else { throw .damaged("a PE file with damaged headers") }
      sections.append(Section(rva: rva, size: size, offset: offset))
    }

    self.sections = sections

    // The CLI header begins with its size: where it is found tells how the image lies in memory.
    func header(_ address: UInt64?) -> Record? {
      guard let address else { return nil }
      let record = Record(memory, at: address, count: Int(Self.cliHeaderSize))
      return record.u32(0) == Self.cliHeaderSize && record.u32(8).map { $0 != 0 } == true
        ? record : nil
    }
    let found: Record
    if let record = header(base &+ UInt64(cli.rva)) {
      isLoaded = true
      found = record
    } else if let record = header(Self.fileAddress(of: cli.rva, base, sections)) {
      isLoaded = false
      found = record
    } else {
      throw .damaged("a PE file whose CLI header is missing")
    }
    guard let rva = found.u32(8), let size = found.u32(12) else { throw .damaged("no CLI header") }
    metadata = Part(rva: rva, size: size)
  }

  /// Where a part of the image lies in memory; nil if the file has no such part.
  func address(of rva: UInt32) -> UInt64? {
    isLoaded ? base &+ UInt64(rva) : Self.fileAddress(of: rva, base, sections)
  }

  /// Where something lies that has an address in the image, and an offset in the file; either may be 0.
  func address(of rva: UInt32, orOffset offset: UInt32) -> UInt64? {
    if rva != 0, let address = address(of: rva) { return address }
    return isLoaded || offset == 0 ? nil : base &+ UInt64(offset)
  }

  private static func fileAddress(
    of rva: UInt32, _ base: UInt64, _ sections: [Section]
  ) -> UInt64? {
    for section in sections where rva >= section.rva && rva - section.rva < section.size {
      return base &+ UInt64(section.offset) &+ UInt64(rva - section.rva)
    }
    return nil
  }
}
