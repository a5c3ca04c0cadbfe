import Memory
import TestSupport
import Testing

@testable import DotNet

@Suite struct DebugDirectoryTests {
  private func read(_ bytes: [UInt8], at base: UInt64 = 0) throws -> DebugDirectory {
    try DebugDirectory(memory: RegionMemory((base, bytes)), at: base)
  }

  @Test func anAssemblyNamesItsPDB() throws {
    let lab = try Lab.made.get()
    let directory = try read(lab.beside)
    #expect(directory.codeView?.path == lab.pdbPath)
    #expect(directory.codeView?.id == (try PortablePDB(lab.pdb).id))
    #expect(directory.embedded == nil)
    #expect(!directory.hasWindowsPDB)
  }

  @Test func anEmbeddedOneIsInIt() throws {
    let lab = try Lab.made.get()
    let directory = try read(lab.embedded)
    let block = try #require(directory.embedded)
    let pdb = try PortablePDB(
      EmbeddedPDB.bytes(block, in: RegionMemory((0, lab.embedded))))
    #expect(directory.codeView?.id == pdb.id)
    #expect(pdb.location(method: 0x0600_0003, ilOffset: 0)?.file == Lab.source)
  }

  @Test func withoutDebugInformationThereIsNone() throws {
    let directory = try read(Lab.made.get().bare)
    #expect(directory.codeView == nil && directory.embedded == nil && !directory.hasWindowsPDB)
  }

  /// The runtime maps some assemblies as files, and lays others out: in memory both begin alike.
  @Test func theLayoutInMemoryDoesNotMatter() throws {
    let lab = try Lab.made.get()
    let base: UInt64 = 0x7f00_1234_0000
    for dll in [lab.beside, lab.embedded] {
      let image = PEFile(dll).loaded
      #expect(image != dll)
      let (flat, loaded) = (try read(dll), try read(image, at: base))
      #expect(flat.codeView == loaded.codeView)
      #expect(flat.timeDateStamp == loaded.timeDateStamp)
      #expect(flat.embedded?.size == loaded.embedded?.size)
      let memory = RegionMemory((base, image))
      if let block = loaded.embedded {
        let id = try PortablePDB(EmbeddedPDB.bytes(block, in: memory)).id
        #expect(id == loaded.codeView?.id)
      }
      let block = try #require(loaded.metadata)
      let metadata = try MetadataReader(memory: memory, at: block.address, size: block.size)
      #expect(metadata.assemblyName == "Lines")
    }
  }

  /// Such data is in the file alone: an offset from the image's base would be somewhere else.
  @Test func whatIsNotLoadedIsFoundInFilesOnly() throws {
    var file = PEFile(try Lab.made.get().beside)
    let codeView = try read(file.bytes).codeView
    let entry = try #require(file.debugEntries.first { file.u32($0 + 12) == 2 })
    // What is now at the offset in the image is a CodeView record, too.
    let (size, offset) = (file.u32(entry + 16), file.u32(entry + 24))
    file.set(0, at: entry + 20)
    #expect(try read(file.bytes).codeView == codeView)
    var image = file.loaded
    image.replaceSubrange(offset..<offset + size, with: file.bytes[offset..<offset + size])
    #expect(throws: Never.self) { try read(image) }
    #expect(try read(image).codeView == nil)
  }

  @Test func theHeadersSayHowLargeItIsAndWhenItWasLinked() throws {
    let file = PEFile(try Lab.made.get().beside)
    let directory = try read(file.bytes)
    #expect(Int(directory.timeDateStamp) == file.u32(file.header + 8))
    #expect(Int(directory.sizeOfImage) == file.u32(file.optional + 56))
    #expect(directory.sizeOfImage > 0x4000)
  }

  /// What Roslyn compiled: precompiled code, 64-bit headers, a PDB that is not shipped.
  @Test(arguments: [Lab.Library.core8, .core3]) func theCoreLibraryNamesItsPDB(_ core: Lab.Library)
    throws
  {
    let directory = try read(try bytes(of: core.path))
    let codeView = try #require(directory.codeView)
    #expect(codeView.path.hasSuffix("System.Private.CoreLib.pdb"))
    #expect(codeView.id.count == 20 && Set(codeView.id).count > 4)
    #expect(directory.metadata.map { $0.size > 1 << 20 } == true)
  }

  @Test func anotherKindOfPDBIsSeen() throws {
    var file = PEFile(try Lab.made.get().beside)
    let entry = try #require(file.debugEntries.first { file.u32($0 + 12) == 2 })
    file.set(0, at: entry + 8)
    let directory = try read(file.bytes)
    #expect(directory.hasWindowsPDB && directory.codeView == nil)
  }

  @Test func otherFilesAreRefused() throws {
    #expect(throws: PEError.damaged("no PE file")) { try read([]) }
    #expect(throws: PEError.damaged("no PE file")) { try read(Array("#!/bin/sh\n".utf8)) }
    var file = PEFile(try Lab.made.get().beside)
    file.set(0, at: file.directories + 14 * 8)
    #expect(throws: PEError.notManaged) { try read(file.bytes) }
    file = PEFile(try Lab.made.get().beside)
    file.set(0x5000, at: file.directories + 14 * 8)
    #expect(throws: PEError.damaged("a PE file whose CLI header is missing")) {
      try read(file.bytes)
    }
    file = PEFile(try Lab.made.get().beside)
    file.set(0xffff_4c01, at: file.header + 4)
    file.bytes[file.header + 6] = 0xff
    #expect(throws: PEError.damaged("a PE file with too many sections")) { try read(file.bytes) }
  }
}
