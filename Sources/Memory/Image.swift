/// A file, or a region of generated code, as it lies in an address space: one of the report's modules.
public struct Image: Sendable, Equatable {
  public enum Kind: Sendable {
    case elf
    /// A .NET assembly: a PE file, mapped by the runtime.
    case pe
    case vdso
    /// Code that a compiler inside the process made.
    case jit
  }

  public var kind: Kind
  /// The file's path inside the process's own mount namespace, or a name such as `[vdso]`.
  public var path: String
  public var isDeleted: Bool
  /// The address where the file's first byte is mapped (or would be), the lowest of its mappings.
  public var base: UInt64
  /// The first address after its last mapping.
  public var end: UInt64
  /// What to add to an address inside the ELF file to get an address in memory; 0 for others.
  public var loadBias: UInt64
  /// The mappings it consists of, ascending.
  public var mappings: [Mapping]
  /// From the program headers in memory; empty for anything but ELF.
  public var segments: [ElfSegment]
  /// The GNU build-id read from memory, so that it is that of the code that ran, whatever has
  /// happened to the file since.
  public var buildID: [UInt8]?

  public init(
    kind: Kind, path: String, isDeleted: Bool = false, base: UInt64, end: UInt64,
    loadBias: UInt64 = 0, mappings: [Mapping] = [], segments: [ElfSegment] = [],
    buildID: [UInt8]? = nil
  ) {
    self.kind = kind
    self.path = path
    self.isDeleted = isDeleted
    self.base = base
    self.end = end
    self.loadBias = loadBias
    self.mappings = mappings
    self.segments = segments
    self.buildID = buildID
  }

  public func contains(_ address: UInt64) -> Bool {
    base <= address && address < end
  }
}

/// A program header (elf(5)), addresses as the file has them.
public struct ElfSegment: Sendable, Equatable {
  public var type: UInt32
  public var flags: UInt32
  public var offset: UInt64
  public var address: UInt64
  public var fileSize: UInt64
  public var memorySize: UInt64

  public init(
    type: UInt32, flags: UInt32, offset: UInt64, address: UInt64, fileSize: UInt64,
    memorySize: UInt64
  ) {
    self.type = type
    self.flags = flags
    self.offset = offset
    self.address = address
    self.fileSize = fileSize
    self.memorySize = memorySize
  }

  public static let load: UInt32 = 1
  public static let note: UInt32 = 4
  /// PT_GNU_EH_FRAME: where the exception frame header lies.
  public static let exceptionFrameHeader: UInt32 = 0x6474_e550
}

/// The images of an address space, by address.
public struct ImageTable: Sendable {
  /// In ascending order of `base`.
  public let images: [Image]

  public init(_ images: [Image]) {
    self.images = images.sorted { $0.base < $1.base }
  }

  /// The position in `images` of the one whose *mappings* hold `address`, or nil.
  ///
  /// Images may interleave (a JIT region between two segments of a library), so the innermost start
  /// decides, and the mapping must really be one of that image's.
  public func index(containing address: UInt64) -> Int? {
    var low = 0
    var high = images.count
    while low < high {
      let middle = (low + high) / 2
      if images[middle].base <= address { low = middle + 1 } else { high = middle }
    }
    var candidate = low - 1
    // Few images ever overlap; the bound keeps a hostile layout from making this quadratic.
    var tries = 16
    while candidate >= 0, tries > 0 {
      let image = images[candidate]
      if image.contains(address), image.mappings.contains(where: { $0.contains(address) }) {
        return candidate
      }
      candidate -= 1
      tries -= 1
    }
    return nil
  }

  public func containing(_ address: UInt64) -> Image? {
    index(containing: address).map { images[$0] }
  }
}
