import TestSupport
import Testing

@testable import Memory

/// A header that a test can spoil one field at a time. Layouts: elf(5).
struct ElfBuilder {
  var magic: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]
  var type: UInt16 = 3
  var tableOffset: UInt64 = 64
  var entrySize: UInt16 = 56
  /// What the header claims; the real number when nil.
  var count: UInt16?
  var segments: [ElfSegment] = [
    ElfSegment(type: 1, flags: 5, offset: 0, address: 0, fileSize: 0x1000, memorySize: 0x1000)
  ]
  /// What follows the program headers.
  var rest: [UInt8] = []

  var endOfHeaders: UInt64 { 64 + 56 * UInt64(segments.count) }

  var bytes: [UInt8] {
    var bytes = magic + [UInt8](repeating: 0, count: 64 - magic.count)
    func put(_ value: some FixedWidthInteger, at offset: Int) {
      bytes.replaceSubrange(offset..<offset + value.bitWidth / 8, with: littleEndian(value))
    }
    put(type, at: 16)
    put(tableOffset, at: 32)
    put(entrySize, at: 54)
    put(count ?? UInt16(segments.count), at: 56)
    for segment in segments {
      bytes += littleEndian(segment.type) + littleEndian(segment.flags)
      for word in [
        segment.offset, segment.address, segment.address, segment.fileSize, segment.memorySize, 8,
      ] { bytes += littleEndian(word) }
    }
    return bytes + rest
  }

  /// A note section: name, descriptor and padding.
  static func note(_ name: String, _ descriptor: [UInt8], type: UInt32 = 3) -> [UInt8] {
    let name = Array(name.utf8) + [0]
    func padded(_ bytes: [UInt8]) -> [UInt8] {
      bytes + [UInt8](repeating: 0, count: (4 - bytes.count % 4) % 4)
    }
    return littleEndian(UInt32(name.count)) + littleEndian(UInt32(descriptor.count))
      + littleEndian(type) + padded(name) + padded(descriptor)
  }

  func header(at base: UInt64 = 0x5000_0000) -> ElfHeader? {
    ElfHeader(memory: RegionMemory((base, bytes)), base: base)
  }
}

@Suite struct ElfHeaderTests {
  private let base: UInt64 = 0x5000_0000

  @Test func aGoodHeaderIsRead() throws {
    var builder = ElfBuilder()
    builder.segments.append(
      ElfSegment(
        type: 1, flags: 6, offset: 0x1000, address: 0x3000, fileSize: 8, memorySize: 0x500))
    let header = try #require(builder.header())
    #expect(header.type == 3)
    #expect(header.segments == builder.segments)
    #expect(header.endAddress == 0x3500)
    #expect(header.loadBias(base: base) == base)
  }

  @Test func everyTruncationIsRefused() {
    let whole = ElfBuilder().bytes
    for count in 0..<whole.count {
      #expect(
        ElfHeader(memory: RegionMemory((base, Array(whole[..<count]))), base: base) == nil,
        "\(count) of \(whole.count) bytes")
    }
  }

  @Test func otherFilesAreRefused() {
    func refuses(_ spoil: (inout ElfBuilder) -> Void) -> Bool {
      var builder = ElfBuilder()
      spoil(&builder)
      return builder.header() == nil
    }
    #expect(refuses { $0.magic[0] = 0x7e })
    #expect(refuses { $0.magic[4] = 1 })  // 32 bits
    #expect(refuses { $0.magic[5] = 2 })  // big-endian
    #expect(refuses { $0.magic = Array("MZ".utf8) })
    #expect(refuses { $0.entrySize = 32 })
    #expect(refuses { $0.entrySize = 0 })
    #expect(refuses { $0.count = 0 })
    #expect(refuses { $0.count = 0xffff })
    #expect(refuses { $0.count = 2 })  // one more than there are
    #expect(refuses { $0.tableOffset = .max })
    #expect(refuses { $0.tableOffset = 0x1_0000_0000 })
    #expect(refuses { $0.tableOffset = 0x10000 })  // a hole
  }

  /// Linked at one address and loaded at another; libcoreclr's text has other offsets in the file.
  @Test func theLoadBiasComesFromTheFirstSegment() throws {
    var builder = ElfBuilder()
    builder.segments[0].address = 0x40_0000
    #expect(try #require(builder.header()).loadBias(base: 0x40_0000) == 0)
    builder.segments[0] = ElfSegment(
      type: 1, flags: 4, offset: 0x200, address: 0x1200, fileSize: 1, memorySize: 1)
    #expect(try #require(builder.header()).loadBias(base: base) == base - 0x1000)
    builder.segments[0].type = 2
    #expect(try #require(builder.header()).loadBias(base: base) == base)
  }

  @Test func sumsOfHostileAddressesDoNotTrap() throws {
    var builder = ElfBuilder()
    builder.segments = (0..<100).map { _ in
      ElfSegment(
        type: 1, flags: 7, offset: .max, address: .max, fileSize: .max, memorySize: .max)
    }
    builder.segments[50].type = ElfSegment.note
    let header = try #require(builder.header())
    _ = header.endAddress
    let bias = header.loadBias(base: base)
    #expect(header.buildID(memory: RegionMemory((base, builder.bytes)), loadBias: bias) == nil)
  }

  @Test func theBuildIDIsFoundAmongOtherNotes() throws {
    let id = (1...20).map { UInt8($0) }
    var builder = ElfBuilder()
    builder.rest =
      ElfBuilder.note("stapsdt", [1, 2, 3, 4, 5]) + ElfBuilder.note("GNU", [9], type: 1)
      + ElfBuilder.note("GNU", id)
    let notes = ElfSegment(
      type: ElfSegment.note, flags: 4, offset: 0, address: 0, fileSize: 0, memorySize: 0)
    builder.segments.append(notes)
    builder.segments[1].address = builder.endOfHeaders
    builder.segments[1].memorySize = UInt64(builder.rest.count)
    let header = try #require(builder.header())
    let memory = RegionMemory((base, builder.bytes))
    #expect(header.buildID(memory: memory, loadBias: base) == id)
    // Shorter than its own segment says: nothing beyond the end is read.
    #expect(header.buildID(memory: memory, loadBias: base &+ 0x10000) == nil)
  }

  @Test func hostileNotesAreNoBuildID() {
    let good = ElfBuilder.note("GNU", [1, 2, 3, 4])
    #expect(ElfHeader.buildID(notes: good) == [1, 2, 3, 4])
    for count in 0..<good.count { #expect(ElfHeader.buildID(notes: Array(good[..<count])) == nil) }
    var huge = good
    huge.replaceSubrange(0..<4, with: littleEndian(UInt32.max))
    #expect(ElfHeader.buildID(notes: huge) == nil)
    huge = good
    huge.replaceSubrange(4..<8, with: littleEndian(UInt32.max))
    #expect(ElfHeader.buildID(notes: huge) == nil)
    #expect(ElfHeader.buildID(notes: ElfBuilder.note("GNU", [])) == nil)
    #expect(ElfHeader.buildID(notes: ElfBuilder.note("GNU", Array(repeating: 1, count: 65))) == nil)
    #expect(ElfHeader.buildID(notes: ElfBuilder.note("BSD", [1, 2, 3, 4])) == nil)
    // Zeros are notes of length 0: their end must be found.
    #expect(ElfHeader.buildID(notes: Array(repeating: 0, count: 65536)) == nil)
  }
}
