import TestSupport
import Testing

@testable import DotNet

@Suite struct PortablePDBTests {
  /// One line of a trace that the runtime itself printed.
  private struct Frame {
    var token: UInt32
    var offset: Int
    var place: SourceLine

    init?(_ line: Substring) {
      let words = line.split(separator: " ")
      guard words.count >= 6, let token = UInt32(words[0], radix: 16), let offset = Int(words[1]),
        let number = Int(words[2]), let column = Int(words[3])
      else { return nil }
      self.token = token
      self.offset = offset
      place = SourceLine(file: String(words[4]), line: number, column: column)
    }
  }

  @Test(arguments: [0, 1]) func linesAreThoseThatTheRuntimePrints(_ runtime: Int) throws {
    let lab = try Lab.made.get()
    let pdb = try PortablePDB(lab.pdb)
    let frames = lab.traces[runtime].split(separator: "\n").compactMap { Frame($0) }
    #expect(frames.count >= 55)
    for frame in frames {
      #expect(pdb.location(method: frame.token, ilOffset: frame.offset) == frame.place)
    }
  }

  /// The comments in Lines.cs say which lines are on the stack when it throws.
  @Test func framesLieOnTheLinesThatTheSourceNames() throws {
    let lab = try Lab.made.get()
    let pdb = try PortablePDB(lab.pdb)
    let lines = String(decoding: try bytes(of: Lab.source), as: UTF8.self)
      .split(separator: "\n", omittingEmptySubsequences: false)
    let marked = Set(lines.indices.filter { lines[$0].contains("/*at ") }.map { $0 + 1 })
    #expect(marked.count >= 19)
    let frames = lab.traces[0].split(separator: "\n").compactMap { Frame($0) }
    let reached = Set(
      frames.compactMap { pdb.location(method: $0.token, ilOffset: $0.offset)?.line })
    #expect(marked.subtracting(reached).isEmpty)
  }

  @Test func everyPointIsAsCecilReadsIt() throws {
    let lab = try Lab.made.get()
    let pdb = try PortablePDB(lab.pdb)
    var ours: [String] = []
    var previous: Substring = ""
    for line in lab.points {
      let token = line.prefix { $0 != " " }
      if token == previous { continue }
      previous = token
      let method = try #require(UInt32(token, radix: 16))
      var points = try #require(pdb.points(method: method))
      while let point = points.next() {
        let (line, column) = point.place.map { ($0.line, $0.column) } ?? (0xfeefee, 0)
        let file = try #require(pdb.document(point.document))
        ours.append("\(token) \(point.offset) \(line) \(column) \(file)")
      }
    }
    #expect(ours == lab.points.map(String.init))
    #expect(ours.count > 150)
  }

  @Test func methodsThatItDoesNotHaveHaveNoLine() throws {
    let pdb = try PortablePDB(Lab.made.get().pdb)
    for token: UInt32 in [0, 0x0600_0000, 0x06ff_ffff, 0x0200_0003, 0xffff_ffff] {
      #expect(pdb.location(method: token, ilOffset: 0) == nil)
    }
    #expect(pdb.location(method: 0x0600_0003, ilOffset: -1) == nil)
    #expect(pdb.location(method: 0x0600_0003, ilOffset: .max) != nil)
  }

  @Test func otherFilesAreRefused() {
    #expect(throws: PDBError.windows) {
      try PortablePDB(Array("Microsoft C/C++ MSF 7.00\r\n".utf8) + Array(repeating: 0, count: 500))
    }
    #expect(throws: PDBError.damaged("metadata of 0 bytes")) { try PortablePDB([]) }
    #expect(throws: PDBError.damaged("metadata without its signature")) {
      try PortablePDB(Array(repeating: 0x41, count: 4000))
    }
  }

  /// An assembly's metadata has the same form, and is no PDB.
  @Test func metadataAloneIsNoPDB() throws {
    let dll = try Lab.made.get().beside
    let directory = try DebugDirectory(memory: BytesMemory(bytes: dll), at: 0)
    let block = try #require(directory.metadata)
    #expect(throws: PDBError.damaged("metadata without a #Pdb stream")) {
      try PortablePDB(Array(dll[Int(block.address)..<Int(block.address) + block.size]))
    }
  }
}
