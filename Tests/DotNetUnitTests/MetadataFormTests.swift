import Foundation
import TestSupport
import Testing

@testable import DotNet

/// Forms of metadata that compilers at hand do not write, made from what they wrote.
@Suite struct MetadataFormTests {
  private struct Block {
    var bytes: [UInt8]

    init() throws {
      let dll = try Lab.made.get().beside
      let directory = try DebugDirectory(memory: BytesMemory(bytes: dll), at: 0)
      let block = try #require(directory.metadata)
      bytes = Array(dll[Int(block.address)..<Int(block.address) + block.size])
    }

    func u32(_ at: Int) -> Int { (0..<4).reduce(0) { $0 | Int(bytes[at + $1]) << ($1 * 8) } }

    mutating func set(_ value: Int, at offset: Int) {
      for index in 0..<4 { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (index * 8)) }
    }

    /// Where the stream's entry in the list is.
    func entry(_ name: String) throws -> Int {
      let text = Array(name.utf8) + [0]
      let at = try #require(bytes.indices.first { bytes[$0...].starts(with: text) })
      return at - 8
    }

    /// Puts bytes into the stream of tables, `offset` bytes from its start.
    mutating func insert(_ new: [UInt8], atTables offset: Int) throws {
      let tables = try entry("#~")
      let start = u32(tables)
      for name in ["#Strings", "#US", "#GUID", "#Blob"] {
        let other = try entry(name)
        if u32(other) > start { set(u32(other) + new.count, at: other) }
      }
      set(u32(tables + 4) + new.count, at: tables + 4)
      bytes.insert(contentsOf: new, at: start + offset)
    }

    func reader() throws -> MetadataReader {
      try MetadataReader(memory: BytesMemory(bytes: bytes), at: 0, size: bytes.count)
    }
  }

  private func names(_ reader: MetadataReader) -> [String] {
    (1...40).map { ManagedName.spoken("?", metadata: reader, token: 0x0600_0000 | $0) }
  }

  @Test func editorsMayAddANumberToTheHead() throws {
    var block = try Block()
    let expected = names(try block.reader())
    #expect(expected.contains("async Shop.Basket<T>.Fetch"))
    let tables = block.u32(try block.entry("#~"))
    let counts = (0..<64).filter { block.bytes[tables + 8 + $0 / 8] & 1 << UInt8($0 % 8) != 0 }
      .count
    try block.insert([1, 2, 3, 4], atTables: 24 + counts * 4)
    #expect(names(try block.reader()) != expected)
    block.bytes[tables + 6] |= 0x40
    #expect(names(try block.reader()) == expected)
  }

  @Test func theStreamOfTablesMayBeCalledOtherwise() throws {
    var block = try Block()
    let expected = names(try block.reader())
    block.bytes[try block.entry("#~") + 9] = UInt8(ascii: "-")
    #expect(names(try block.reader()) == expected)
  }

  /// With a table between, rows would belong to other types than it seems.
  @Test(arguments: [3, 5, 7]) func pointerTablesAreRefused(_ table: Int) throws {
    var block = try Block()
    let tables = block.u32(try block.entry("#~"))
    let before = (0..<table).filter { block.bytes[tables + 8 + $0 / 8] & 1 << UInt8($0 % 8) != 0 }
    try block.insert([1, 0, 0, 0], atTables: 24 + before.count * 4)
    block.bytes[tables + 8] |= 1 << UInt8(table)
    #expect(throws: MetadataError.edited) { try block.reader() }
  }

  @Test func unknownTablesAreRefused() throws {
    var block = try Block()
    let tables = block.u32(try block.entry("#~"))
    block.bytes[tables + 15] |= 0x80
    #expect(throws: MetadataError.damaged("metadata with unknown tables")) { try block.reader() }
  }

  @Test func moreRowsThanThereIsRoomForAreRefused() throws {
    var block = try Block()
    let tables = block.u32(try block.entry("#~"))
    for count in [0x1000, 0xff_ffff] {
      block.set(count, at: tables + 24)
      #expect(throws: MetadataError.damaged("metadata with more rows than it has room for")) {
        try block.reader()
      }
    }
    block.set(0x100_0000, at: tables + 24)
    #expect(throws: MetadataError.damaged("metadata with a damaged number of rows")) {
      try block.reader()
    }
  }

  /// With 8192 to 16383 methods, an index that spends 3 bits on its kind is wide, one of 2 bits is not.
  @Test(.timeLimit(.minutes(5))) func widthsFollowFromTheBitsOfTheKind() throws {
    let scratch = try Scratch()
    let methods = (0..<9000).map { "static void M\($0)() { }" }.joined(separator: "\n")
    let source = """
      class Many {
      \(methods)
      class Inner<TInner> { [System.Obsolete] void Last<TLast>(TLast one) { } }
      static void Main() { System.Console.WriteLine(new Inner<int>()); }
      }
      """
    try source.write(toFile: scratch.file("Many.cs"), atomically: true, encoding: .utf8)
    _ = try output(of: ["mcs", "-out:\(scratch.file("Many.dll"))", scratch.file("Many.cs")])
    let memory = BytesMemory(bytes: try bytes(of: scratch.file("Many.dll")))
    let directory = try DebugDirectory(memory: memory, at: 0)
    let block = try #require(directory.metadata)
    let reader = try MetadataReader(memory: memory, at: block.address, size: block.size)
    let names = (8990...9010).map {
      ManagedName.spoken("?", metadata: reader, token: 0x0600_0000 | $0)
    }
    #expect(names.contains("Many.Inner<TInner>.Last<TLast>") && names.contains("Many.M8995"))
    #expect(reader.assemblyName == "Many")
  }
}
