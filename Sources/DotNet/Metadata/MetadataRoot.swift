internal import Memory

/// The head of a block of metadata: where its streams lie (ECMA-335 II.24.2.1 and II.24.2.2).
struct MetadataRoot {
  /// A part of the block: an address in the memory source, and a size in bytes. Lies in the block.
  struct Stream: Equatable {
    var address: UInt64 = 0
    var size: UInt64 = 0
  }

  /// `#~`, or `#-`.
  var tables = Stream()
  var strings = Stream()
  var blobs = Stream()
  var guids = Stream()
  /// `#Pdb`, of size 0 outside of portable PDBs.
  var pdb = Stream()

  /// A compiler writes five, and `#Pdb`.
  private static let streamLimit = 32
  /// Of a stream's name, with its zero.
  private static let nameLimit = 32

  /// - Parameters:
  ///   - base: where the block starts.
  ///   - size: of the block, in bytes.
  init(_ memory: any MemorySource, at base: UInt64, size: Int) throws(MetadataError) {
    guard size >= 20, !base.addingReportingOverflow(UInt64(size)).overflow else {
      throw .damaged("metadata of \(size) bytes")
    }
    let head = Record(memory, at: base, count: 16)
    guard head.u32(0) == 0x424A_5342 else { throw .damaged("metadata without its signature") }
    // The version is text, padded; II.24.2.1 allows 255 bytes.
    guard let versionLength = head.u32(12), versionLength <= 256 else {
      throw .damaged("metadata with a version of no length")
    }
    // From the start of the block.
    var at = 16 + UInt64(versionLength)
    guard at < size, let count = Record(memory, at: base + at, count: 4).u16(2),
      count <= Self.streamLimit
    else {
      throw .damaged("metadata without streams")
    }
    at += 4
    var hasTables = false
    for _ in 0..<count {
      let entry = at < size ? Record(memory, at: base + at, count: 8 + Self.nameLimit) : Record([])
      guard let offset = entry.u32(0), let length = entry.u32(4), let name = entry.text(8) else {
        throw .damaged("metadata with a damaged list of streams")
      }
      at += 8 + UInt64(name.utf8.count + 4) / 4 * 4
      guard Int(offset) <= size, Int(length) <= size - Int(offset) else {
        throw .damaged("a stream that lies outside of its metadata")
      }
      let stream = Stream(address: base + UInt64(offset), size: UInt64(length))
      switch name {
      case "#~", "#-":
        tables = stream
        hasTables = true
      case "#Strings": strings = stream
      case "#Blob": blobs = stream
      case "#GUID": guids = stream
      case "#Pdb": pdb = stream
      default: break
      }
    }
    guard hasTables else { throw .damaged("metadata without tables") }
  }
}
