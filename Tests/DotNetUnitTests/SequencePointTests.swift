import Testing

@testable import DotNet

/// Blobs written by hand from the specification's grammar.
@Suite struct SequencePointTests {
  private func points(_ blob: [UInt8], document: UInt32 = 1) -> [SequencePoints.Point] {
    var found: [SequencePoints.Point] = []
    var points = SequencePoints(blob, document: document)
    while let point = points?.next() { found.append(point) }
    return found
  }

  private func point(
    _ offset: Int, _ line: Int, _ column: Int, document: UInt32 = 1
  ) -> SequencePoints.Point {
    .init(offset: offset, document: document, place: .init(line: line, column: column))
  }

  @Test func aPointSaysWhereItStarts() {
    // Signature 0; offset 0, 0 lines and 5 columns, at 10:3.
    #expect(points([0, 0, 0, 5, 10, 3]) == [point(0, 10, 3)])
  }

  @Test func laterPointsAreDifferences() {
    // +4: 1 line, −2 columns (0x7d), 2 lines up (0x7d), 1 column on (0x02).
    #expect(
      points([0, 0, 0, 5, 10, 3, 4, 1, 0x7d, 0x7d, 0x02]) == [point(0, 10, 3), point(4, 8, 4)])
  }

  @Test func hiddenPointsHaveNoPlace() {
    let hidden = SequencePoints.Point(offset: 0, document: 1, place: nil)
    // The first place is absolute even if something hidden precedes it.
    #expect(points([0, 0, 0, 0, 7, 0, 5, 10, 3]) == [hidden, point(7, 10, 3)])
  }

  @Test func theOldLineNumberForHiddenIsHiddenToo() {
    let line: [UInt8] = [0xc0, 0xfe, 0xef, 0xee]
    #expect(points([0, 0, 0, 5] + line + [3]).map(\.place) == [nil])
  }

  @Test func aDocumentRecordChangesTheFile() {
    #expect(
      points([0, 0, 0, 5, 10, 3, 0, 2, 1, 0, 5, 0, 0])
        == [point(0, 10, 3), point(1, 10, 3, document: 2)])
  }

  @Test func withoutADocumentTheHeaderNamesIt() {
    #expect(points([0, 9, 0, 0, 5, 10, 3], document: 0) == [point(0, 10, 3, document: 9)])
  }

  @Test func largeNumbersTakeTwoAndFourBytes() {
    #expect(points([0, 0x80, 0x80, 0, 5, 0xbf, 0xff, 3]) == [point(128, 16383, 3)])
    #expect(points([0, 0, 0, 5, 0xc0, 0x01, 0x11, 0x70, 3]) == [point(0, 70000, 3)])
  }

  @Test(
    arguments: [
      [], [0], [0, 0], [0, 0, 0], [0, 0, 0, 5], [0, 0, 0, 5, 10], [0, 0, 0, 5, 0xc0, 0, 0],
      // No such form of a number; line 0; line 2²⁹ − 1 less 2; column 2¹⁶.
      [0, 0, 0, 5, 0xe0, 3], [0, 0, 0, 5, 0, 3],
      [0, 0, 0, 5, 10, 0xc0, 1, 0, 0],
    ] as [[UInt8]])
  func damagedBlobsHaveNoPoints(_ blob: [UInt8]) {
    #expect(points(blob).isEmpty)
  }

  @Test func whatPrecedesTheDamageIsGood() {
    // Ten lines up from line 10.
    #expect(points([0, 0, 0, 5, 10, 3, 4, 0, 5, 0x6d, 0]) == [point(0, 10, 3)])
  }

  @Test func signedNumbersAreThoseOfTheStandard() {
    // ECMA-335 II.23.2.
    let examples: [([UInt8], Int)] = [
      ([0x06], 3), ([0x7b], -3), ([0x80, 0x80], 64), ([0x01], -64),
      ([0xc0, 0x00, 0x40, 0x00], 8192),
      ([0x80, 0x01], -8192), ([0xdf, 0xff, 0xff, 0xfe], 268_435_455),
      ([0xc0, 0x00, 0x00, 0x01], -268_435_456),
    ]
    for (bytes, value) in examples {
      var cursor = BlobCursor(bytes)
      #expect(cursor.signed() == value)
      #expect(cursor.isAtEnd)
    }
  }

  @Test func unsignedNumbersAreThoseOfTheStandard() {
    let examples: [([UInt8], UInt32)] = [
      ([0x03], 3), ([0x7f], 0x7f), ([0x80, 0x80], 0x80), ([0xae, 0x57], 0x2e57),
      ([0xbf, 0xff], 0x3fff), ([0xc0, 0x00, 0x40, 0x00], 0x4000),
      ([0xdf, 0xff, 0xff, 0xff], 0x1fff_ffff),
    ]
    for (bytes, value) in examples {
      var cursor = BlobCursor(bytes)
      #expect(cursor.unsigned() == value)
    }
  }
}
