import Memory
import TestSupport
import Testing

@testable import DotNet

/// Where the runtime's unwind information is: in assemblies that Microsoft precompiled, read a second time
/// here and asked about by objdump, and behind the headers of code that is compiled at run time.
@Suite struct UnwindTableTests {
  private static let base: UInt64 = 0x7f12_3456_0000

  /// An assembly as it is loaded, and all entries of its exception directory.
  private struct Assembly {
    var memory: RegionMemory
    var images: ImageTable
    var entries: [(start: UInt64, end: UInt64, information: UInt64)] = []

    init(_ library: Lab.Library) throws {
      let file = PEFile(try bytes(of: library.path))
      memory = RegionMemory((UnwindTableTests.base, file.loaded))
      let size = UInt64(file.loaded.count)
      images = ImageTable([
        Image(
          kind: .pe, path: library.path, base: UnwindTableTests.base,
          end: UnwindTableTests.base + size,
          mappings: [
            Mapping(
              start: UnwindTableTests.base, end: UnwindTableTests.base + size, permissions: "r-xp")
          ])
      ])
      // Entry 3 00000057f8c 000012d8 Exception Directory [.pdata]
      let text = try output(of: ["objdump", "-p", library.path], timeout: 60)
      let line = try #require(
        text.firstMatch(of: /Entry 3 ([0-9a-f]+) ([0-9a-f]+) Exception Directory/))
      let (rva, length) = try (
        #require(Int(line.1, radix: 16)), #require(Int(line.2, radix: 16))
      )
      let at = try #require(file.offset(ofRVA: rva))
      entries = (0..<length / 12).map { index in
        let entry = at + 12 * index
        return (UInt64(file.u32(entry)), UInt64(file.u32(entry + 4)), UInt64(file.u32(entry + 8)))
      }
    }

    var tables: UnwindTables { UnwindTables(memory: memory, images: images) }
  }

  private func method(_ start: UInt64 = base, descriptor: UInt64 = 0x1234) -> ManagedMethod {
    var method = ManagedMethod(kind: .method, name: "M")
    (method.start, method.method) = (start, descriptor)
    return method
  }

  @Test(.timeLimit(.minutes(5)), arguments: [Lab.Library.core8, .core3, .console])
  func eachFunctionOfAnAssembly(library: Lab.Library) throws {
    let assembly = try Assembly(library)
    #expect(assembly.entries.count > 300)
    let tables = assembly.tables
    for entry in assembly.entries.enumerated().filter({ $0.offset % 7 == 0 }).map(\.element) {
      let expected = UnwindTables.Entry(
        base: Self.base, start: Self.base + entry.start, end: Self.base + entry.end,
        information: Self.base + entry.information)
      for place in [entry.start, (entry.start + entry.end) / 2, entry.end - 1] {
        #expect(tables.entry(for: method(), at: Self.base + place) == expected)
      }
      // UNWIND_INFO of version 1, with a prolog that is not longer than the function.
      let header = try #require(
        assembly.memory.bytes(at: expected.information, count: 4))
      #expect(header[0] & 7 == 1 && UInt64(header[1]) <= entry.end - entry.start)
    }
  }

  @Test func betweenFunctionsThereIsNone() throws {
    let assembly = try Assembly(.console)
    let tables = assembly.tables
    var gaps = 0
    for (one, next) in zip(assembly.entries, assembly.entries.dropFirst())
    where one.end < next.start {
      gaps += 1
      #expect(tables.entry(for: method(), at: Self.base + one.end) == nil)
      #expect(tables.entry(for: method(), at: Self.base + next.start - 1) == nil)
    }
    #expect(gaps > 10)
    let (first, last) = try (
      #require(assembly.entries.first), #require(assembly.entries.last)
    )
    #expect(tables.entry(for: method(), at: Self.base + first.start - 1) == nil)
    #expect(tables.entry(for: method(), at: Self.base + last.end) == nil)
    #expect(tables.entry(for: method(0), at: Self.base + first.start) == nil, "a stub")
  }

  @Test(.timeLimit(.minutes(5))) func changedAssembliesAreNoTrap() throws {
    let assembly = try Assembly(.console)
    let wanted = try #require(assembly.entries.dropFirst(100).first)
    let original = assembly.memory.regions[0].bytes
    let directory = PEFile(original).directories + 3 * 8
    var random = Xorshift(seed: 31)
    var answers = 0
    var changed = assembly
    for _ in 0..<3000 {
      var places: [Int] = []
      for _ in 0...random.below(3) {
        let at =
          switch random.below(4) {
          case 0: 0x3c + random.below(4)
          case 1: directory + random.below(8)
          case 2: PEFile(original).header + random.below(0x100)
          default: PEFile(original).u32(directory) + random.below(0x1000)
          }
        changed.memory.regions[0].bytes[at] = UInt8(random.below(256))
        places.append(at)
      }
      let place = Self.base + wanted.start
      if let found = changed.tables.entry(for: method(), at: place) {
        answers += 1
        #expect(found.start <= place && place < found.end)
      }
      for at in places { changed.memory.regions[0].bytes[at] = original[at] }
    }
    #expect(answers > 300 && answers < 3000)
  }

  // MARK: Compiled at run time

  private static let code: UInt64 = 0x7f00_0001_0000
  private static let heap: UInt64 = 0x7f00_0000_0000
  private static let header: UInt64 = 0x7f00_0002_0000

  /// RealCodeHeader: `pointers` words, the MethodDesc, a count and entries.
  private func compiled(
    pointers: Int, _ parts: [(Int, Int)], count: UInt32? = nil, descriptor: UInt64 = 0x1234,
    filler: UInt64 = 0
  ) -> UnwindTables {
    let entries = parts.enumerated().flatMap { index, part in
      [part.0, part.1, 0x5000 + 16 * index].flatMap { littleEndian(UInt32($0 + 0x10000)) }
    }
    let words = (0..<pointers).flatMap { _ in littleEndian(filler) }
    let header =
      words + littleEndian(descriptor) + littleEndian(count ?? UInt32(parts.count)) + entries
    return UnwindTables(
      memory: RegionMemory((Self.code - 8, littleEndian(Self.header)), (Self.header, header)),
      images: ImageTable([]))
  }

  /// 3.1 and 8.0 have three pointers before the MethodDesc; the next version may have more or fewer.
  @Test(arguments: 0...7) func partsOfCompiledCode(pointers: Int) {
    let tables = compiled(pointers: pointers, [(0, 0x80), (0x80, 0xa0), (0xc0, 0xe0)])
    func entry(_ at: UInt64) -> UnwindTables.Entry? {
      tables.entry(for: method(Self.code), at: Self.code + at)
    }
    func expected(_ start: UInt64, _ end: UInt64, _ index: UInt64) -> UnwindTables.Entry {
      .init(
        base: Self.heap, start: Self.code + start, end: Self.code + end,
        information: Self.heap + 0x15000 + 16 * index)
    }
    #expect(entry(0) == expected(0, 0x80, 0))
    #expect(entry(0x7f) == expected(0, 0x80, 0))
    #expect(entry(0x80) == expected(0x80, 0xa0, 1))
    #expect(entry(0xdf) == expected(0xc0, 0xe0, 2))
    for none: UInt64 in [0xa0, 0xbf, 0xe0, 0x4000_0000] { #expect(entry(none) == nil) }
  }

  @Test func damagedHeadersAreNone() {
    let place = Self.code + 4
    func entry(_ tables: UnwindTables, _ method: ManagedMethod) -> UnwindTables.Entry? {
      tables.entry(for: method, at: place)
    }
    let good = [(0, 0x80)]
    let method = method(Self.code)
    #expect(entry(compiled(pointers: 3, good), method) != nil)
    #expect(entry(compiled(pointers: 8, good), method) == nil, "too far")
    #expect(entry(compiled(pointers: 3, good, count: 0), method) == nil)
    #expect(entry(compiled(pointers: 3, good, count: 4097), method) == nil)
    #expect(entry(compiled(pointers: 3, good, count: 4096), method) != nil)
    #expect(entry(compiled(pointers: 3, good, descriptor: 7), method) == nil, "another method's")
    #expect(entry(compiled(pointers: 3, []), method) == nil)
    #expect(entry(compiled(pointers: 3, [(0, 0)]), method) == nil)
    #expect(entry(compiled(pointers: 3, [(0, -0x10000)]), method) == nil, "ends before it begins")
    // Empty pointers before the MethodDesc are no MethodDesc.
    let nameless = self.method(Self.code, descriptor: 0)
    #expect(entry(compiled(pointers: 3, good, filler: 0), nameless) == nil)
    #expect(
      entry(
        compiled(pointers: 3, [(0, 0x80)], descriptor: 0, filler: 1), nameless) == nil)
    let nothing = UnwindTables(memory: RegionMemory(), images: ImageTable([]))
    #expect(entry(nothing, method) == nil)
    for start: UInt64 in [1, 7, 8, .max] { #expect(entry(nothing, self.method(start)) == nil) }
  }

  @Test func cutHeadersAreNone() {
    let whole =
      littleEndian(UInt64(0x1234)) + littleEndian(UInt32(1)) + littleEndian(UInt32(0x10000))
      + littleEndian(UInt32(0x10080)) + littleEndian(UInt32(0x15000))
    for count in 0...whole.count {
      let tables = UnwindTables(
        memory: RegionMemory(
          (Self.code - 8, littleEndian(Self.header)), (Self.header, Array(whole.prefix(count)))),
        images: ImageTable([]))
      let found = tables.entry(for: method(Self.code), at: Self.code)
      #expect((found != nil) == (count == whole.count))
    }
  }
}
