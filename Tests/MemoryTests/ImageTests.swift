import Foundation
import Inferior
import TestSupport
import Testing

@testable import Memory

/// Images found among mappings.
@Suite struct ImageTests {
  private func mapping(
    _ start: UInt64, _ end: UInt64, _ permissions: String, _ path: String = "", offset: UInt64 = 0,
    inode: UInt64 = 7
  ) -> Mapping {
    Mapping(
      start: start, end: end, permissions: permissions, offset: offset, device: "08:01",
      inode: path.hasPrefix("/") ? inode : 0, path: path)
  }

  private func images(_ mappings: [Mapping], _ memory: RegionMemory = RegionMemory()) -> [Image] {
    ImageTable(mappings: MappingTable(mappings), memory: memory).images
  }

  /// Every file with code that this process has mapped, against what readelf says of the file.
  @Test func ownImagesAreThoseOfReadelf() throws {
    let memory = ProcessMemory(pid: getpid())
    let mappings = MappingTable(text: try bytes(of: "/proc/self/maps"))
    let table = ImageTable(mappings: mappings, memory: memory)
    let files = Set(mappings.mappings.filter { $0.isFile && $0.isExecutable }.map(\.path))
    let elves = table.images.filter { $0.kind == .elf }
    #expect(files.count > 5)
    #expect(Set(elves.map(\.path)) == files)
    #expect(table.images.contains { $0.kind == .vdso && $0.path == "[vdso]" })
    for image in elves {
      let text = try output(of: ["readelf", "-nlW", image.path])
      let id = text.firstMatch(of: /Build ID: ([0-9a-f]+)/).map { String($0.1) }
      #expect(image.buildID.map(hex) == id, "\(image.path)")
      let loads = text.matches(
        of: /LOAD +0x[0-9a-f]+ 0x([0-9a-f]+) 0x[0-9a-f]+ 0x[0-9a-f]+ 0x([0-9a-f]+)/)
      let last = loads.map { UInt64($0.1, radix: 16)! + UInt64($0.2, radix: 16)! }.max() ?? 0
      #expect(image.end >= image.loadBias + last, "\(image.path)")
      #expect(image.end - image.loadBias < last + 8192, "\(image.path)")
      #expect(image.segments.filter { $0.type == ElfSegment.load }.count == loads.count)
    }
    // Each executable byte belongs to exactly one image.
    for code in mappings.mappings where code.isExecutable && code.path != "[vsyscall]" {
      let index = try #require(table.index(containing: code.start), "\(code)")
      #expect(table.images[index].path == (code.path.isEmpty ? "[anonymous]" : code.path))
    }
  }

  private func hex(_ bytes: [UInt8]) -> String {
    bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
  }

  @Test func bssAndGapsBelongToTheImageAroundThem() {
    let found = images(
      [
        mapping(0x1000, 0x2000, "r--p", "/lib/a.so"),
        mapping(0x2000, 0x3000, "r-xp", "/lib/a.so", offset: 0x1000),
        mapping(0x3000, 0x4000, "---p", "/lib/a.so", offset: 0x2000),
        mapping(0x4000, 0x5000, "rw-p", "/lib/a.so", offset: 0x2000),
        mapping(0x5000, 0x9000, "rw-p"),
        mapping(0x9000, 0xa000, "r-xp", "/lib/b.so", inode: 8),
      ], RegionMemory((0x1000, ElfBuilder().bytes), (0x9000, ElfBuilder().bytes)))
    #expect(found.map(\.path) == ["/lib/a.so", "/lib/b.so"])
    #expect(found.map(\.base) == [0x1000, 0x9000])
    #expect(found.first?.mappings.count == 4)
  }

  @Test func theSameFileLoadedTwiceIsTwoImages() {
    let found = images([
      mapping(0x1000, 0x2000, "r-xp", "/lib/a.so"),
      mapping(0x2000, 0x3000, "rw-p", "/lib/a.so", offset: 0x1000),
      mapping(0x3000, 0x4000, "r-xp", "/lib/a.so"),
    ])
    #expect(found.map(\.base) == [0x1000, 0x3000])
  }

  /// A library that was replaced on disk and loaded again has the same path, and is another file.
  @Test func theSamePathWithAnotherInodeIsAnotherImage() {
    let found = images([
      mapping(0x1000, 0x2000, "r-xp", "/lib/a.so", inode: 7),
      mapping(0x2000, 0x3000, "r-xp", "/lib/a.so", offset: 0x1000, inode: 8),
    ])
    #expect(found.count == 2)
  }

  @Test func onlyWhatHoldsCodeIsAnImage() {
    let memory = RegionMemory((0x1000, Array("MZ".utf8) + Array(repeating: 0, count: 100)))
    let found = images(
      [
        mapping(0x1000, 0x2000, "r-xp", "/app/App.dll"),
        mapping(0x3000, 0x4000, "r--p", "/usr/lib/locale/locale-archive", inode: 9),
        mapping(0x5000, 0x6000, "rwxp"),
        mapping(0x6000, 0x7000, "rw-p", "[heap]"),
        mapping(0x8000, 0x9000, "rwxs", "/memfd:doublemapper (deleted)", inode: 10),
        mapping(0xffff_ffff_ff60_0000, 0xffff_ffff_ff60_1000, "--xp", "[vsyscall]"),
      ], memory)
    #expect(found.map(\.kind) == [.pe, .jit, .jit])
    #expect(found[1].path == "[anonymous]")
    #expect(found.allSatisfy { $0.segments.isEmpty && $0.buildID == nil })
  }

  @Test func anUnreadableHeaderIsNoELF() {
    let found = images([mapping(0x1000, 0x2000, "r-xp", "/lib/a.so")])
    #expect(found.map(\.kind) == [.jit])
    #expect(found.first?.end == 0x2000)
  }

  /// A header may claim any size; look-ups go by mappings.
  @Test func aHeaderThatClaimsTheWorldGetsNoMoreThanItsMappings() {
    var builder = ElfBuilder()
    builder.segments[0].memorySize = 1 << 62
    let table = ImageTable(
      mappings: MappingTable([
        mapping(0x1000, 0x2000, "r-xp", "/lib/a.so"),
        mapping(0x9000, 0xa000, "r-xp", "/lib/b.so", inode: 8),
      ]),
      memory: RegionMemory((0x1000, builder.bytes), (0x9000, ElfBuilder().bytes)))
    #expect(table.containing(0x9800)?.path == "/lib/b.so")
    #expect(table.containing(0x1800)?.path == "/lib/a.so")
    #expect(table.containing(0x4000) == nil)
    #expect(table.containing(0xfff) == nil)
  }
}

@Suite struct SnapshotTests {
  private let live = RegionMemory((0x1000, Array(repeating: 1, count: 0x1000)))

  private func add(_ bytes: [UInt8], at address: UInt64, to memory: SnapshotMemory) {
    memory.add([address..<address + UInt64(bytes.count)]) { pieces in
      for piece in pieces { piece.buffer.copyBytes(from: bytes) }
      return pieces.map(\.buffer.count)
    }
  }

  @Test func manyAtOnceInAnyOrderAndWhatCannotBeReadIsLeftOut() {
    let memory = SnapshotMemory(live: live)
    // The third overlaps the second, the last is read in part. Of the third the rest is a piece of its own.
    let ranges: [Range<UInt64>] = [
      0x9000..<0x9010, 0x8000..<0x8020, 0x8018..<0x8028, 0x7000..<0x7010,
    ]
    memory.add(ranges) { pieces in
      #expect(pieces.map(\.address) == [0x7000, 0x8000, 0x8020, 0x9000])
      for piece in pieces {
        piece.buffer.copyBytes(from: repeatElement(9, count: piece.buffer.count))
      }
      return [8, 0, 8, 16]
    }
    #expect(memory.prefix(at: 0x7000, atMost: 16) == Array(repeating: 9, count: 8))
    #expect(memory.copied(around: 0x8000) == nil && memory.copied(around: 0x801f) == nil)
    #expect(memory.copied(around: 0x7004) == 0x7000..<0x7008)
    #expect(memory.bytes(at: 0x8020, count: 8) == Array(repeating: 9, count: 8))
    #expect(memory.bytes(at: 0x9000, count: 16) == Array(repeating: 9, count: 16))
    #expect(memory.window(at: 0x9004)?.word(at: 0x9008) == 0x0909_0909_0909_0909)
    #expect(memory.window(at: 0x9004)?.word(at: 0x9009) == nil)
    #expect(memory.window(at: 0x9004)?.word(at: 0x8fff) == nil)
    #expect(memory.window(at: 0x8000) == nil)
  }

  @Test func neighboursAreReadAsOne() {
    let memory = SnapshotMemory(live: live)
    add([1, 2, 3, 4, 5, 6, 7, 8], at: 0x5000, to: memory)
    add([9, 10, 11, 12, 13, 14, 15, 16], at: 0x5008, to: memory)
    #expect(memory.bytes(at: 0x5004, count: 8) == [5, 6, 7, 8, 9, 10, 11, 12])
    #expect(memory.prefix(at: 0x500c, atMost: 16) == [13, 14, 15, 16])
  }

  @Test func copiesHideLiveMemoryAndRunOnIntoIt() {
    let memory = SnapshotMemory(live: live)
    add([7, 7, 7, 7], at: 0x1100, to: memory)
    #expect(memory.bytes(at: 0x1100, count: 4) == [7, 7, 7, 7])
    #expect(memory.bytes(at: 0x1102, count: 4) == [7, 7, 1, 1])
    #expect(memory.load(UInt8.self, at: 0x1104) == 1)
    #expect(memory.prefix(at: 0x1ffe, atMost: 8) == [1, 1])
    #expect(memory.bytes(at: 0x1ffe, count: 8) == nil)
    #expect(memory.prefix(at: 0x3000, atMost: 8).isEmpty)
  }

  @Test func manyCopiesInAnyOrderAreFoundAgain() {
    let memory = SnapshotMemory(live: live)
    for index in (0..<200).map({ ($0 * 77) % 200 }) {
      add(
        Array(repeating: UInt8(index), count: 16), at: 0x10_0000 + UInt64(index) * 0x100, to: memory
      )
    }
    for index in 0..<200 {
      let start = 0x10_0000 + UInt64(index) * 0x100
      #expect(memory.load(UInt8.self, at: start) == UInt8(index))
      #expect(memory.load(UInt8.self, at: start + 15) == UInt8(index))
      #expect(memory.load(UInt8.self, at: start + 16) == nil)
    }
  }

  @Test func textEndsAtItsZeroOrIsNone() {
    let memory = RegionMemory((0x1000, Array("hello".utf8) + [0] + Array("open".utf8)))
    #expect(memory.text(at: 0x1000, limit: 100) == "hello")
    #expect(memory.text(at: 0x1000, limit: 5) == nil)
    #expect(memory.text(at: 0x1006, limit: 100) == nil)
    #expect(memory.text(at: 0x9000, limit: 100) == nil)
  }

  @Test func readsThatWouldWrapAroundAreEmpty() {
    let memory = ProcessMemory(pid: getpid())
    #expect(memory.prefix(at: .max - 3, atMost: 16).isEmpty)
    #expect(memory.prefix(at: 0, atMost: 16).isEmpty)
    #expect(memory.prefix(at: 0, atMost: 10_000).isEmpty)
  }
}
