/// The sequence points of one method: from which IL offset on its code belongs to which line.
///
/// Portable PDB v1.0, "Sequence Points Blob": a header, then records of differences to the one before.
struct SequencePoints {
  struct Point: Equatable {
    /// Of the IL, in bytes.
    var offset: Int
    /// A row of the Document table.
    var document: UInt32
    /// Nil for code without source.
    var place: Place?
  }

  struct Place: Equatable {
    var line: Int
    var column: Int
  }

  private var cursor: BlobCursor
  private var document: UInt32
  /// Of the last point that has one.
  private var place: Place?
  private var offset = -1

  /// What the specification allows.
  private static let lines = 1..<0x2000_0000
  private static let columns = 0..<0x1_0000
  /// Some writers say "no source" as the older format did.
  private static let hiddenLine = 0xfeefee

  /// - Parameters:
  ///   - blob: of the method's row.
  ///   - document: of the row; 0 if the method's points are in several documents.
  init?(_ blob: [UInt8], document: UInt32) {
    cursor = BlobCursor(blob)
    self.document = document
    // The signature of its local variables.
    guard cursor.unsigned() != nil else { return nil }
    if document == 0 {
      guard let first = cursor.unsigned() else { return nil }
      self.document = first
    }
  }

  /// The next point; nil after the last one, and where the blob is damaged.
  mutating func next() -> Point? {
    while !cursor.isAtEnd {
      guard let difference = cursor.unsigned() else { return nil }
      if difference == 0, offset >= 0 {
        guard let document = cursor.unsigned() else { return nil }
        self.document = document
        continue
      }
      // The sum of fewer differences of 29 bits than a blob has bytes.
      offset = max(offset, 0) &+ Int(difference)
      return point()
    }
    return nil
  }

  /// The rest of a point, after its offset: how many lines and columns it covers, then where it starts.
  private mutating func point() -> Point? {
    guard let lines = cursor.unsigned(),
      let columns = lines == 0 ? cursor.unsigned().map(Int.init) : cursor.signed()
    else { return nil }
    if lines == 0, columns == 0 { return Point(offset: offset, document: document) }
    let start: Place
    if let place {
      guard let line = cursor.signed(), let column = cursor.signed() else { return nil }
      start = Place(line: place.line + line, column: place.column + column)
    } else {
      guard let line = cursor.unsigned(), let column = cursor.unsigned() else { return nil }
      start = Place(line: Int(line), column: Int(column))
    }
    guard Self.lines.contains(start.line), Self.columns.contains(start.column) else { return nil }
    place = start
    return Point(
      offset: offset, document: document, place: start.line == Self.hiddenLine ? nil : start)
  }
}
