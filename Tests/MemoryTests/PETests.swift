import Foundation
import Inferior
import TestSupport
import Testing

@testable import Memory

/// Assemblies among mappings: which the runtimes map in pieces, each at its own distance from the others.
@Suite struct PETests {
  /// Every assembly that a real runtime has mapped with code: what lies at its base is what its file's
  /// section table says.
  @Test(.timeLimit(.minutes(5)), arguments: ["8.0.4", "3.1.23"])
  func assembliesOfARealRuntime(version: String) throws {
    let child = try Child([
      "\(Places.runtimes)/\(version)/dotnet", Places.managed("Throws", version), "wait",
    ])
    while try child.line() != "ready" {}
    let memory = ProcessMemory(pid: child.pid)
    let mappings = MappingTable(text: try bytes(of: "/proc/\(child.pid)/maps"))
    let images = ImageTable(mappings: mappings, memory: memory).images.filter { $0.kind == .pe }
    let files = Set(
      mappings.mappings.filter { $0.isExecutable && $0.path.hasSuffix(".dll") }.map(\.path))
    #expect(Set(images.map(\.path)) == files && images.count == files.count)
    #expect(files.count >= 2)
    for image in images {
      let file = try bytes(of: image.path)
      let text = try output(of: ["objdump", "-h", "-p", image.path], timeout: 60)
      let preferred = try UInt64(
        #require(text.firstMatch(of: /ImageBase\t+([0-9a-f]+)/)).1, radix: 16)
      let size = try UInt64(
        #require(text.firstMatch(of: /SizeOfImage\t+([0-9a-f]+)/)).1, radix: 16)
      // Idx Name Size VMA LMA File-offset
      let sections = text.matches(
        of: /\ +\d+ \.(\w+) +([0-9a-f]+)  ([0-9a-f]+)  [0-9a-f]+  ([0-9a-f]+)/)
      #expect(sections.count >= 2)
      for section in sections where section.1 != "data" {
        // What the loader does not change: the code, and the relocations.
        let (length, address, offset) = try (
          #require(Int(section.2, radix: 16)), #require(UInt64(section.3, radix: 16)),
          #require(Int(section.4, radix: 16))
        )
        let place = try image.base + address - #require(preferred)
        let count = min(length, 4000)
        #expect(
          memory.bytes(at: place, count: count) == Array(file[offset..<offset + count]),
          "\(section.1) of \(image.path)")
      }
      // The headers are mapped by themselves, right there; the image is as large as it says, or to the
      // end of the page.
      #expect(mappings.mappings.contains { $0.start == image.base && $0.path == image.path })
      let end = try image.base + #require(size)
      #expect(end <= image.end && image.end < end + 4096)
    }
  }

  // MARK: By hand

  private func mapping(
    _ start: UInt64, _ end: UInt64, _ permissions: String, offset: UInt64 = 0, inode: UInt64 = 7
  ) -> Mapping {
    Mapping(
      start: start, end: end, permissions: permissions, offset: offset, device: "08:01",
      inode: inode, path: "/app/App.dll")
  }

  /// PE32+ headers: RVA, size in the file, and offset there of each section.
  ///
  /// - Parameter code: the RVA of the section with code.
  private func headers(
    _ sections: [(UInt32, UInt32, UInt32)], code: UInt32 = 0x10200, size: UInt32 = 0x7e600
  ) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 0x400)
    func put(_ value: some FixedWidthInteger, _ at: Int) {
      bytes.replaceSubrange(at..<at + littleEndian(value).count, with: littleEndian(value))
    }
    put(UInt16(0x5a4d), 0)
    put(UInt32(0x80), 0x3c)
    put(UInt32(0x4550), 0x80)
    put(UInt16(sections.count), 0x86)
    put(UInt16(0xf0), 0x94)
    put(UInt16(0x20b), 0x98)
    put(size, 0x98 + 56)
    for (index, section) in sections.enumerated() {
      let at = 0x98 + 0xf0 + 40 * index
      put(section.0, at + 12)
      put(section.1, at + 16)
      put(section.2, at + 20)
      put(section.0 == code ? UInt32(0x6000_0020) : 0x4000_0040, at + 36)
    }
    return bytes
  }

  private func image(_ mappings: [Mapping], _ memory: RegionMemory) -> Image? {
    let images = ImageTable(mappings: MappingTable(mappings), memory: memory).images
    #expect(images.count == 1)
    return images.first
  }

  /// System.Console.dll of 8.0.4: the code is mapped together with the headers, for the second time.
  @Test func asNet8MapsIt() throws {
    let bytes = headers([
      (0x10200, 0x24e00, 0x200), (0x55000, 0x9000, 0x25000), (0x7e000, 0x600, 0x2e000),
    ])
    let found = try #require(
      image(
        [
          mapping(0x1000_0000, 0x1000_1000, "r--p"), mapping(0x1001_0000, 0x1003_5000, "r-xp"),
          mapping(0x1005_5000, 0x1005_e000, "rw-p", offset: 0x25000),
          mapping(0x1007_e000, 0x1007_f000, "r--p", offset: 0x2e000),
          mapping(0x2000_0000, 0x2002_f000, "r--s"),
        ], RegionMemory((0x1000_0000, bytes), (0x1001_0000, bytes))))
    #expect(found.kind == .pe)
    #expect(found.base == 0x1000_0000)
    #expect(found.end == 0x1007_f000)
    #expect(found.mappings.map(\.start) == [0x1001_0000, 0x1005_5000, 0x1007_e000])
  }

  /// Its namesake of 3.1.23: the data come first, and the code from further on in the file.
  @Test func asCore3MapsIt() throws {
    let bytes = headers(
      [
        (0x10200, 0x1000, 0x200), (0x21200, 0x2a400, 0x1200), (0x5b600, 0x600, 0x2b600),
      ], code: 0x21200)
    let found = try #require(
      image(
        [
          mapping(0x1000_0000, 0x1000_1000, "r--p"), mapping(0x1001_0000, 0x1001_2000, "rw-p"),
          mapping(0x1002_1000, 0x1004_c000, "r-xp", offset: 0x1000),
          mapping(0x1005_b000, 0x1005_c000, "r--p", offset: 0x2b000),
        ], RegionMemory((0x1000_0000, bytes), (0x1001_0000, bytes))))
    #expect(found.base == 0x1000_0000)
    #expect(found.kind == .pe)
  }

  /// System.Runtime.dll of 3.1.23: its data and its code begin in the same page of the file, of which there
  /// are four mappings then.
  @Test func asCore3MapsSmallAssemblies() throws {
    let bytes = headers(
      [(0x10200, 0x200, 0x200), (0x20400, 0xa800, 0x400), (0x3ac00, 0x200, 0xac00)], code: 0x20400,
      size: 0x3ae00)
    let found = try #require(
      image(
        [
          mapping(0x1000_0000, 0x1000_1000, "r--p"), mapping(0x1001_0000, 0x1001_1000, "rw-p"),
          mapping(0x1002_0000, 0x1002_b000, "r-xp"),
          mapping(0x1003_a000, 0x1003_b000, "r--p", offset: 0xa000),
        ],
        RegionMemory(
          (0x1000_0000, bytes), (0x1001_0000, bytes), (0x1002_0000, bytes))))
    #expect(found.base == 0x1000_0000)
    #expect(found.end == 0x1003_b000)
  }

  /// Without headers that can be read there is still an image, at its first mapping.
  @Test func withoutReadableHeaders() throws {
    let code = mapping(0x1001_0000, 0x1003_5000, "r-xp")
    let unread = try #require(image([code], RegionMemory()))
    #expect(unread.base == code.start && unread.end == code.end)
    #expect(unread.kind == .jit, "nothing says what it is")
    for memory in [
      RegionMemory((code.start, Array("MZ".utf8))),
      RegionMemory((code.start, Array("MZ".utf8) + [UInt8](repeating: 0, count: 0x3fe))),
      RegionMemory((code.start, headers([]))),
      RegionMemory((code.start, headers([(0x10200, 0, 0x200)]))),
      RegionMemory((code.start, headers([(0x10200, 0x1000, 0x7000_0000)]))),
    ] {
      let found = try #require(image([code], memory))
      #expect(found.kind == .pe)
      #expect(found.base == code.start && found.end == code.end)
    }
    for count in stride(from: 2, to: 0x188 + 40, by: 6) {
      let whole = headers([(0x10200, 0x24e00, 0x200)])
      let cut = try #require(image([code], RegionMemory((code.start, Array(whole.prefix(count))))))
      #expect(cut.kind == .pe && cut.base == code.start)
    }
  }

  @Test func headersThatClaimTooMuch() throws {
    let code = mapping(0x1001_0000, 0x1003_5000, "r-xp")
    // Below address 0.
    let below = try #require(
      image([code], RegionMemory((code.start, headers([(0xffff_0000, 0x1000, 0x200)])))))
    #expect(below.base == code.start)
    // All of memory.
    let large = try #require(
      image(
        [code], RegionMemory((code.start, headers([(0x10200, 0x1000, 0x200)], size: .max)))))
    #expect(large.base == 0x1000_0000 && large.end == 0x1000_0000 + 0xffff_ffff)
    // More sections than the loader takes.
    var many = headers([(0x10200, 0x1000, 0x200)])
    many.replaceSubrange(0x86..<0x88, with: [97, 0])
    many += [UInt8](repeating: 0, count: 97 * 40)
    #expect((try? PEHeader(memory: RegionMemory((0, many)), base: 0)) == nil)
    many[0x86] = 96
    #expect((try? PEHeader(memory: RegionMemory((0, many)), base: 0))?.sections.count == 96)
    // Headers far away, at the end of memory.
    var far = headers([])
    far.replaceSubrange(0x3c..<0x40, with: [0xff, 0xff, 0xff, 0xff])
    #expect((try? PEHeader(memory: RegionMemory((0, far)), base: 0)) == nil)
    #expect((try? PEHeader(memory: RegionMemory((.max - 99, far)), base: .max - 99)) == nil)
  }

  @Test(.timeLimit(.minutes(5))) func anyHeadersAreNoTrap() {
    var random = Xorshift(seed: 51)
    let whole = headers([(0x10200, 0x24e00, 0x200), (0x55000, 0x9000, 0x25000)])
    let places: [UInt64] = [0x1001_0000, 0, 0xffff_ffff_ff00_0000]
    var (known, moved) = (0, 0)
    for _ in 0..<20_000 {
      var bytes = whole
      for _ in 0...random.below(6) {
        let at = random.below(3) == 0 ? random.below(0x100) : 0x188 + random.below(80)
        bytes[at] = UInt8(random.below(256))
      }
      let start = places[random.below(3)]
      let code = mapping(start, start + 0x25000, "r-xp")
      let table = ImageTable(
        mappings: MappingTable([code]), memory: RegionMemory((start, bytes)))
      guard let image = table.images.first, image.kind == .pe else { continue }
      known += 1
      if image.base != start { moved += 1 }
      #expect(image.base < image.end && image.end >= code.end)
      // An address is in it only where it is mapped.
      #expect(table.index(containing: code.end) == nil)
    }
    #expect(known > 10_000 && moved > 2000)
  }
}
