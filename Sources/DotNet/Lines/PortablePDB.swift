internal import Memory

/// The debug information of a .NET assembly in the portable format: which line a method's code is from.
///
/// Portable PDB v1.0: metadata as in an assembly, with tables and a `#Pdb` stream of its own. Only the
/// method that is asked about is decoded.
public struct PortablePDB {
  /// What it has in common with its assembly and with no other build of that: a GUID and a stamp, 20 bytes.
  public let id: [UInt8]
  private let metadata: MetadataReader

  /// Of one method's sequence points, in bytes; a thousand lines take some 5000.
  private static let pointsLimit = 1 << 20
  /// Of a file's path, in bytes.
  private static let pathLimit = 4096

  public init(_ bytes: [UInt8]) throws(PDBError) {
    if bytes.starts(with: "Microsoft C/C++ ".utf8) { throw .windows }
    do {
      metadata = try MetadataReader(memory: BytesMemory(bytes: bytes), at: 0, size: bytes.count)
    } catch {
      throw .damaged("\(error)")
    }
    guard metadata.root.pdb.size >= 20,
      let id = metadata.memory.bytes(at: metadata.root.pdb.address, count: 20)
    else { throw .damaged("metadata without a #Pdb stream") }
    self.id = id
  }

  /// Where the code at an IL offset comes from: the last place at the offset or before, code without
  /// source left out (that is what the runtime does). Nil for methods without places.
  ///
  /// - Parameters:
  ///   - token: the method's in the assembly, `0x06` and the row.
  ///   - ilOffset: in bytes from the start of the method's IL.
  public func location(method token: UInt32, ilOffset: Int) -> SourceLine? {
    var best: (document: UInt32, place: SequencePoints.Place)?
    var points = points(method: token)
    while let point = points?.next(), point.offset <= ilOffset {
      if let place = point.place { best = (point.document, place) }
    }
    guard let best, let file = document(best.document) else { return nil }
    return SourceLine(file: file, line: best.place.line, column: best.place.column)
  }

  /// All points of a method, in order.
  func points(method token: UInt32) -> SequencePoints? {
    // Its rows are those of the assembly's methods.
    let row = token & 0xff_ffff
    let tables = metadata.tables
    guard token >> 24 == UInt32(Table.methodDef.rawValue),
      let document = tables.value(.methodDebugInformation, row, 0),
      let offset = tables.value(.methodDebugInformation, row, 1), offset != 0,
      let blob = metadata.blob(offset, limit: Self.pointsLimit)
    else { return nil }
    return SequencePoints(blob, document: document)
  }

  /// The path of a document: a blob with a separator and the numbers of blobs with the parts.
  func document(_ row: UInt32) -> String? {
    guard let offset = metadata.tables.value(.document, row, 0),
      let blob = metadata.blob(offset, limit: Self.pathLimit)
    else { return nil }
    var cursor = BlobCursor(blob)
    // One byte of ASCII, or none.
    guard let separator = cursor.byte(), separator < 0x80 else { return nil }
    var path: [UInt8] = []
    var isFirst = true
    while !cursor.isAtEnd {
      if !isFirst, separator != 0 { path.append(separator) }
      isFirst = false
      guard let part = cursor.unsigned() else { return nil }
      // Part 0 is empty: paths start with the separator.
      if part != 0 {
        guard let text = metadata.blob(part, limit: Self.pathLimit) else { return nil }
        path += text
      }
      guard path.count <= Self.pathLimit else { return nil }
    }
    return path.isEmpty ? nil : String(decoding: path, as: UTF8.self)
  }
}
