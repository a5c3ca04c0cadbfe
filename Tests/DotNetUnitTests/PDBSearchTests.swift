import TestSupport
import Testing

@testable import DotNet

@Suite struct PDBSearchTests {
  /// What a search found and which paths it tried.
  private func search(
    _ dll: [UInt8], path: String? = "/app/Lines.dll", inMemory: [UInt8]? = nil,
    files: [String: [UInt8]] = [:]
  ) throws -> (result: Result<PortablePDB, PDBSearch.Problem>, tried: [String]) {
    let memory = BytesMemory(bytes: dll)
    let module = PDBSearch.Module(
      path: path, directory: try DebugDirectory(memory: memory, at: 0), memory: memory,
      inMemory: inMemory)
    var tried: [String] = []
    let result = Result { () throws(PDBSearch.Problem) in
      try PDBSearch.find(module) { path in
        tried.append(path)
        return files[path]
      }
    }
    return (result, tried)
  }

  private func problem(_ result: Result<PortablePDB, PDBSearch.Problem>) -> PDBSearch.Problem? {
    if case .failure(let problem) = result { problem } else { nil }
  }

  @Test func theEmbeddedOneComesFirst() throws {
    let (result, tried) = try search(Lab.made.get().embedded)
    #expect(try result.get().location(method: 0x0600_0003, ilOffset: 0) != nil)
    #expect(tried.isEmpty)
  }

  @Test func thenTheOneBesideTheAssemblyThenWhereItWasWritten() throws {
    let lab = try Lab.made.get()
    #expect(try search(lab.beside).tried == ["/app/Lines.pdb", lab.pdbPath])
    #expect(
      try search(lab.beside, path: "/app/Renamed.dll").tried
        == ["/app/Lines.pdb", "/app/Renamed.pdb", lab.pdbPath])
    #expect(try search(lab.beside, path: nil).tried == [lab.pdbPath])
    for path in ["/app/Lines.pdb", lab.pdbPath] {
      let (result, _) = try search(lab.beside, files: [path: lab.pdb])
      #expect(try result.get().id == PortablePDB(lab.pdb).id)
    }
  }

  @Test func theOneInMemoryComesLast() throws {
    let lab = try Lab.made.get()
    let (result, tried) = try search(lab.beside, path: nil, inMemory: lab.pdb)
    #expect(try result.get().id == PortablePDB(lab.pdb).id)
    #expect(tried == [lab.pdbPath])
  }

  @Test func pathsOfOtherSystemsGiveOnlyAName() {
    #expect(PDBSearch.paths("C:\\src\\obj\\Till.pdb", beside: "/app/Till.dll") == ["/app/Till.pdb"])
    #expect(PDBSearch.paths("Till.pdb", beside: "/Till.dll") == ["/Till.pdb"])
    #expect(PDBSearch.paths("/_/Till.pdb", beside: "relative/Till.dll") == ["/_/Till.pdb"])
    #expect(PDBSearch.paths("", beside: "/app/Till") == ["/app/Till.pdb"])
    #expect(PDBSearch.paths("/src/", beside: nil) == [])
  }

  /// Lines of another build are wrong lines.
  @Test func aPDBOfAnotherBuildIsNeverUsed() throws {
    let lab = try Lab.made.get()
    let id = try PortablePDB(lab.pdb).id
    let at = try #require(lab.pdb.indices.first { lab.pdb[$0...].starts(with: id) })
    for index in 0..<20 {
      var other = lab.pdb
      other[at + index] ^= 0x01
      #expect(try PortablePDB(other).id != id)
      let (found, _) = try search(lab.beside, files: ["/app/Lines.pdb": other])
      #expect(problem(found) == .otherBuild("/app/Lines.pdb"))
      let (inMemory, _) = try search(lab.beside, inMemory: other)
      #expect(problem(inMemory) == .otherBuild(PDBSearch.inMemoryName))
      // The right one elsewhere is found all the same.
      let (right, _) = try search(
        lab.beside, files: ["/app/Lines.pdb": other, lab.pdbPath: lab.pdb])
      #expect(try right.get().id == id)
    }
  }

  @Test func anEmbeddedOneOfAnotherBuildIsNotUsedEither() throws {
    let lab = try Lab.made.get()
    var file = PEFile(lab.embedded)
    let entry = try #require(file.debugEntries.first { file.u32($0 + 12) == 2 })
    file.bytes[entry + 4] ^= 1
    let (result, _) = try search(file.bytes)
    #expect(problem(result) == .otherBuild(PDBSearch.embeddedName))
  }

  @Test func theReasonSaysWhatIsWrong() throws {
    let lab = try Lab.made.get()
    #expect(problem(try search(lab.bare).result) == .noDebugInformation)
    #expect(problem(try search(lab.beside).result) == .notFound("Lines.pdb"))
    #expect(
      problem(try search(lab.beside, files: [lab.pdbPath: Array(lab.pdb[..<40])]).result)
        == .damaged(lab.pdbPath, .damaged("metadata with a damaged list of streams")))
    let windows = Array("Microsoft C/C++ MSF 7.00\r\n".utf8)
    #expect(
      problem(try search(lab.beside, files: [lab.pdbPath: windows]).result)
        == .damaged(lab.pdbPath, .windows))
    var file = PEFile(lab.beside)
    let entry = try #require(file.debugEntries.first { file.u32($0 + 12) == 2 })
    file.set(0, at: entry + 8)
    #expect(problem(try search(file.bytes).result) == .windowsPDB)
  }

  @Test func aDamagedEmbeddedOneIsSaidOnlyIfNoOtherIsFound() throws {
    let lab = try Lab.made.get()
    var file = PEFile(lab.embedded)
    let entry = try #require(file.debugEntries.first { file.u32($0 + 12) == 17 })
    file.bytes[file.u32(entry + 24)] = 0
    let (result, tried) = try search(file.bytes)
    #expect(
      problem(result)
        == .damaged(
          PDBSearch.embeddedName, .damaged("an embedded PDB without its signature")))
    #expect(tried.first == "/app/Lines.pdb")
  }

  @Test func everyReasonIsASentenceForTheReport() {
    #expect(
      "\(PDBSearch.Problem.otherBuild("/app/Till.pdb"))" == "/app/Till.pdb is of another build")
    #expect(
      "\(PDBSearch.Problem.damaged("/app/Till.pdb", .windows))"
        == "/app/Till.pdb cannot be read: it is a Windows PDB, not a portable one")
    #expect(
      "\(PDBSearch.Problem.notFound("Till.pdb"))"
        == "Till.pdb was found neither beside it nor where it was compiled")
  }
}
