import Foundation
import Memory
import TestSupport
import Testing

/// The text of /proc/PID/maps, as the kernel writes it and as it never should.
@Suite struct MappingTests {
  private func only(_ line: String) -> Mapping? {
    let mappings = MappingTable(text: Array(line.utf8)).mappings
    return mappings.count == 1 ? mappings[0] : nil
  }

  @Test func everyFieldIsRead() throws {
    let mapping = try #require(
      only("7f10a000-7f10c000 r-xp 00002000 fe:01 1837 /usr/lib/libc.so.6\n"))
    #expect(mapping.start == 0x7f10_a000)
    #expect(mapping.end == 0x7f10_c000)
    #expect(mapping.permissions == "r-xp")
    #expect(mapping.offset == 0x2000)
    #expect(mapping.device == "fe:01")
    #expect(mapping.inode == 1837)
    #expect(mapping.path == "/usr/lib/libc.so.6")
    #expect(!mapping.isDeleted && mapping.isFile)
    #expect(mapping.isReadable && !mapping.isWritable && mapping.isExecutable)
  }

  @Test(arguments: [
    ("1000-2000 r-xp 0 08:01 5      /a b/c  d.so", "/a b/c  d.so", false),
    ("1000-2000 r-xp 0 08:01 5      /tmp/ends in space ", "/tmp/ends in space ", false),
    ("1000-2000 r-xp 0 08:01 5      /tmp/x (deleted)", "/tmp/x", true),
    ("1000-2000 r-xp 0 08:01 5      /tmp/x (deleted).so", "/tmp/x (deleted).so", false),
    // The kernel writes a newline in a name as \012.
    (#"1000-2000 r-xp 0 08:01 5      /tmp/two\012lines"#, "/tmp/two\nlines", false),
    (#"1000-2000 r-xp 0 08:01 5      /tmp/back\slash"#, #"/tmp/back\slash"#, false),
    ("1000-2000 rw-p 0 00:00 0      [anon: name with spaces]", "[anon: name with spaces]", false),
    ("1000-2000 rw-p 0 00:00 0", "", false),
    ("1000-2000 rw-p 0 00:00 0 ", "", false),
    ("1000-2000 rw-s 0 00:05 0      /SYSV00000000 (deleted)", "/SYSV00000000", true),
  ]) func pathsKeepWhatBelongsToThem(line: String, path: String, isDeleted: Bool) throws {
    let mapping = try #require(only(line))
    #expect(mapping.path == path)
    #expect(mapping.isDeleted == isDeleted)
  }

  @Test(arguments: [
    "", " ", "garbage", "1000 r-xp 0 08:01 5 /a", "1000-2000", "2000-1000 r-xp 0 08:01 5 /a",
    "1000-1000 r-xp 0 08:01 5 /a", "10000000000000000-2 r-xp 0 08:01 5 /a",
    "xyz-2000 r-xp 0 08:01 5 /a", "1000-2000 r-xp zz 08:01 5 /a", "1000-2000 r-xp 0 08:01 five /a",
    "1000-2000-3000 r-xp 0 08:01 5 /a", "-1000-2000 r-xp 0 08:01 5 /a", "\0\0\0\0", "+1-2 r",
  ]) func nonsenseIsLeftOut(line: String) {
    let text = "0100-0200 r--p 0 00:00 0\n\(line)\n10000000-10001000 r--p 0 00:00 0\n"
    let starts = MappingTable(text: Array(text.utf8)).mappings.map(\.start)
    #expect(starts == [0x100, 0x1000_0000])
  }

  @Test func namesNeedNotBeUTF8() throws {
    let line = Array("1000-2000 r-xp 0 08:01 5 /tmp/".utf8) + [0xff, 0xfe] + Array("\n".utf8)
    let mappings = MappingTable(text: line).mappings
    #expect(mappings.count == 1)
    #expect(mappings.first?.path.hasPrefix("/tmp/") == true)
  }

  @Test func addressesAtTheVeryTopAreNoTrouble() throws {
    let mapping = try #require(
      only("ffffffffff600000-ffffffffffffffff --xp 0 00:00 0 [vsyscall]"))
    #expect(mapping.contains(0xffff_ffff_ffff_fffe))
    #expect(!mapping.contains(.max))
    #expect(!mapping.isFile)
  }

  @Test func lookUpFindsTheRightOneAndNothingInHoles() {
    let table = MappingTable([
      Mapping(start: 0x1000, end: 0x2000, permissions: "r--p"),
      Mapping(start: 0x2000, end: 0x3000, permissions: "r-xp"),
      Mapping(start: 0x5000, end: 0x6000, permissions: "rw-p"),
    ])
    let expected: [(UInt64, Int?)] = [
      (0, nil), (0xfff, nil), (0x1000, 0), (0x1fff, 0), (0x2000, 1), (0x2fff, 1), (0x3000, nil),
      (0x4fff, nil), (0x5000, 2), (0x5fff, 2), (0x6000, nil), (.max, nil),
    ]
    for (address, index) in expected { #expect(table.index(containing: address) == index) }
    #expect(table.firstIndex(after: 0x3000) == 2)
    #expect(table.firstIndex(after: 0x5000) == 3)
    #expect(MappingTable([]).index(containing: 0) == nil)
  }

  /// The whole of a real one, against a second reading by other means.
  @Test func ownMapsAreReadWhole() throws {
    let text = try bytes(of: "/proc/self/maps")
    let table = MappingTable(text: text)
    #expect(table.mappings.count == text.count { $0 == 0x0a })
    var here = 0
    let stack = withUnsafePointer(to: &here) { UInt64(UInt(bitPattern: $0)) }
    #expect(table.containing(stack)?.isWritable == true)
    for (one, next) in zip(table.mappings, table.mappings.dropFirst()) {
      #expect(one.end <= next.start)
    }
  }

  @Test func aVeryLongMapsFileTakesNoTime() {
    var text = ""
    for index in 0..<20_000 {
      text += "\(String(0x1000_0000 + index * 0x2000, radix: 16))"
      text += "-\(String(0x1000_1000 + index * 0x2000, radix: 16)) rw-p 00000000 00:00 0 \n"
    }
    let begun = Date()
    let table = MappingTable(text: Array(text.utf8))
    #expect(table.mappings.count == 20_000)
    #expect(table.index(containing: 0x1000_0000 + 15_000 * 0x2000 + 5) == 15_000)
    #expect(Date().timeIntervalSince(begun) < 20)
  }
}
