public import Memory

/// What an assembly says about its PDB (PE format specification, "Debug directory"; "PE/COFF
/// Specification" of dotnet/runtime's docs for the .NET types).
public struct DebugDirectory: Sendable, Equatable {
  /// Which PDB belongs to the assembly: entry type 2, `RSDS`.
  public struct CodeView: Sendable, Equatable {
    /// As `PortablePDB.id`: the GUID, and the entry's stamp. 20 bytes.
    public var id: [UInt8]
    /// Where the compiler wrote it, on its machine; perhaps only a name.
    public var path: String
  }

  /// A block of bytes in the memory that the directory was read from.
  public struct Block: Sendable, Equatable {
    public var address: UInt64
    /// In bytes, as the headers say it.
    public var size: Int
  }

  /// Of the headers: when it was linked, or a hash.
  public var timeDateStamp: UInt32
  /// How much address space the loaded image takes, in bytes.
  public var sizeOfImage: UInt32
  /// The assembly's metadata, for `MetadataReader`; nil if the file has no such part.
  public var metadata: Block?
  /// The portable PDB that belongs to it.
  public var codeView: CodeView?
  /// True if it was compiled with a PDB of the Windows kind.
  public var hasWindowsPDB = false
  /// The portable PDB in the assembly itself: entry type 17, packed.
  public var embedded: Block?

  private static let entryLimit = 32
  private static let pathLimit = 4096

  /// - Parameters:
  ///   - memory: has the assembly as a file or as a loader lays it out.
  ///   - address: where it starts.
  public init(memory: any MemorySource, at address: UInt64) throws(PEError) {
    let image = try AssemblyImage(memory, at: address)
    timeDateStamp = image.header.timeDateStamp
    sizeOfImage = UInt32(image.header.imageSize)
    metadata = image.address(of: image.metadata.address).map {
      Block(address: $0, size: Int(image.metadata.size))
    }
    let debug = image.header.directory(.debug)
    guard debug.address != 0, let start = image.address(of: debug.address) else { return }
    let count = min(Int(debug.size) / 28, Self.entryLimit)
    let entries = Record(memory, at: start, count: count * 28)
    for at in stride(from: 0, to: count * 28, by: 28) {
      guard let stamp = entries.u32(at + 4), let minor = entries.u16(at + 10),
        let type = entries.u32(at + 12), let size = entries.u32(at + 16),
        let rva = entries.u32(at + 20), let offset = entries.u32(at + 24)
      else { throw .damaged("a PE file with a damaged debug directory") }
      guard let data = image.address(of: rva, orOffset: offset) else { continue }
      switch type {
      case 2:
        // A file can name a PDB for each of its kinds of code; minor "MP" is the portable one.
        if minor != 0x504d {
          hasWindowsPDB = true
        } else if codeView == nil {
          let record = Record(memory, at: data, count: min(Int(size), 24 + Self.pathLimit))
          codeView = Self.codeView(record, stamp: stamp)
        }
      case 17: embedded = Block(address: data, size: Int(size))
      default: break
      }
    }
  }

  /// `RSDS`, a GUID, an age, and a path that ends with a zero.
  private static func codeView(_ record: Record, stamp: UInt32) -> CodeView? {
    guard record.u32(0) == 0x5344_5352, let path = record.text(24) else { return nil }
    let stamp = (0..<4).map { UInt8(truncatingIfNeeded: stamp >> ($0 * 8)) }
    return CodeView(id: record.bytes[4..<20] + stamp, path: path)
  }
}
