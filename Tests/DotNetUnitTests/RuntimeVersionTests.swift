import Foundation
import Memory
import TestSupport
import Testing

@testable import DotNet

/// The version string of the runtime's libraries, and the runtime among a process's mappings.
@Suite struct RuntimeVersionTests {
  @Test(arguments: ["8.0.4", "3.1.23"]) func realLibraries(version: String) throws {
    let folder = "\(Lab.runtimes)/\(version)/shared/Microsoft.NETCore.App/\(version)"
    var texts: [String] = []
    for name in ["libcoreclr.so", "libmscordaccore.so", "libclrjit.so"] {
      let path = folder + "/" + name
      let found = try output(of: ["strings", "-n", "30", path]).split(separator: "\n").filter {
        $0.hasPrefix("@(#)Version ")
      }
      #expect(Set(found).count == 1)
      let truth = try String(#require(found.first).dropFirst("@(#)Version ".count))
      let read = try #require(RuntimeVersion(in: bytes(of: path)))
      #expect(read.text.hasPrefix(truth) && read.text.count <= truth.count + 1)
      // Microsoft.NETCore.App's own note of its commit.
      let commit = try #require(read.commit)
      if version == "8.0.4" {
        let note = try String(contentsOfFile: folder + "/.version", encoding: .utf8)
        #expect(note.hasPrefix(commit))
      }
      #expect(read.isCore3OrEarlier == (version == "3.1.23"))
      texts.append(read.text)
    }
    #expect(Set(texts).count == 1)
  }

  private func version(_ text: String, after: String = "") -> RuntimeVersion? {
    RuntimeVersion(in: Array("junk@(#)Vers\0".utf8) + Array(text.utf8) + Array(after.utf8))
  }

  @Test func nearMisses() {
    #expect(version("@(#)Version 8.0.1 @Commit: x\0")?.text == "8.0.1 @Commit: x")
    #expect(version("@(#)Version 8.0.1 @Commit: x") == nil, "no end")
    #expect(version("@(#)Version \0") == nil)
    #expect(version("") == nil)
    #expect(version("@(#)Version: 8.0.1\0") == nil)
    #expect(version("@(#)@(#)Version 8.0.1\0")?.text == "8.0.1")
    let long = String(repeating: "9", count: 200)
    #expect(version("@(#)Version \(long)\0") == nil, "too long")
    // A library that has the marker to look for it, or a broken string, and its own version later.
    for first in ["@(#)Version \0", "@(#)Version %s\0", "@(#)Version \(long)"] {
      #expect(version(first, after: "@(#)Version 8.0.1\0")?.text == "8.0.1")
    }
    #expect(RuntimeVersion(in: []) == nil)
  }

  @Test func commits() {
    let hash = String(repeating: "2d7eea25", count: 5)
    #expect(version("@(#)Version 8.0.1 @Commit: \(hash)\0")?.commit == hash)
    #expect(version("@(#)Version 8.0.1 @Commit: \(hash) x\0")?.commit == hash)
    for wrong in [
      String(hash.dropLast()), hash + "0", "", "x" + hash, String(repeating: "０", count: 40),
    ] {
      #expect(version("@(#)Version 8.0.1 @Commit: \(wrong)\0")?.commit == nil, "\(wrong)")
    }
    #expect(version("@(#)Version 8.0.1\0")?.commit == nil)
    #expect(version("@(#)Version 4.700.22.1\0")?.isCore3OrEarlier == true)
    #expect(version("@(#)Version 42.42.42\0")?.isCore3OrEarlier == false)
  }

  // MARK: In memory

  private func mapping(
    _ start: UInt64, _ permissions: String, _ path: String, offset: UInt64 = 0, inode: UInt64 = 1
  ) -> Mapping {
    Mapping(
      start: start, end: start + 0x1000, permissions: permissions, offset: offset, device: "08:01",
      inode: inode, path: path)
  }

  @Test func versionInMemory() {
    let text = Array("@(#)Version 8.0.1\0".utf8)
    func read(_ at: UInt64, _ permissions: String = "r--p") -> String? {
      RuntimeVersion(
        [
          mapping(0x1000, permissions, "/x"), mapping(0x2000, "rw-p", "/x"),
          mapping(0x3000, "---p", "/x"),
        ],
        memory: RegionMemory((at, text)))?.text
    }
    #expect(read(0x1000) == "8.0.1")
    #expect(read(0x2000) == "8.0.1")
    #expect(read(0x3000) == nil, "nobody may read this")
    #expect(read(0x1000, "---p") == nil)
    #expect(RuntimeVersion([], memory: RegionMemory()) == nil)
  }

  private let path = "/usr/share/dotnet/shared/Microsoft.NETCore.App/8.0.4/libcoreclr.so"

  @Test func theRuntimeAmongMappings() throws {
    let runtime = try #require(
      ManagedRuntime(
        mappings: MappingTable([
          mapping(0x1000, "r--p", path), mapping(0x2000, "r-xp", path, offset: 0x1000),
          mapping(0x3000, "rw-p", path, offset: 0x2000),
          mapping(0x9000, "r-xp", "/lib/libc.so", inode: 5),
        ])))
    #expect(runtime.base == 0x1000)
    #expect(runtime.version == "8.0.4")
    #expect(runtime.mappings.count == 3)
    #expect(
      runtime.debuggingLibrary
        == "/usr/share/dotnet/shared/Microsoft.NETCore.App/8.0.4/libmscordaccore.so")
  }

  /// A program that reads another runtime's file, or this one's, has no second runtime.
  @Test func aLibraryThatIsMappedAsAFileIsNone() throws {
    let other = "/opt/9.0.0/libcoreclr.so"
    let runtime = try #require(
      ManagedRuntime(
        mappings: MappingTable([
          mapping(0x1000, "r--p", other, inode: 9), mapping(0x2000, "r--p", path),
          mapping(0x5000, "r--p", path), mapping(0x6000, "r-xp", path, offset: 0x1000),
          mapping(0x9000, "r--p", path),
        ])))
    #expect(runtime.path == path)
    #expect(runtime.base == 0x5000)
    #expect(runtime.mappings.map(\.start).starts(with: [0x5000, 0x6000]))
    #expect(ManagedRuntime(mappings: MappingTable([mapping(0x1000, "r--p", path)])) == nil)
    #expect(
      ManagedRuntime(mappings: MappingTable([mapping(0x1000, "r-xp", "/notlibcoreclr.so")])) == nil)
  }

  @Test func layoutsWithoutAVersionFolder() {
    func version(_ path: String) -> String? {
      ManagedRuntime(mappings: MappingTable([mapping(0x1000, "r-xp", path)]))?.version
    }
    #expect(version("/app/libcoreclr.so") == nil)
    #expect(version("/libcoreclr.so") == nil)
    #expect(version("/dotnet/9.0.0-preview.1/libcoreclr.so") == "9.0.0-preview.1")
  }

  @Test func machinery() {
    func image(_ path: String, _ kind: Image.Kind = .elf) -> Image {
      Image(kind: kind, path: path, base: 0, end: 1)
    }
    for name in ["libcoreclr.so", "libclrjit.so", "libhostfxr.so", "libSystem.Native.so"] {
      #expect(ManagedRuntime.isMachinery(image("/any/where/" + name)))
    }
    for name in ["libc.so.6", "libcrash.so", "mylibcoreclr.so", "libcoreclr.so/x", ""] {
      #expect(!ManagedRuntime.isMachinery(image("/any/where/" + name)))
    }
    #expect(ManagedRuntime.holdsManagedCode(image("/App.dll", .pe)))
    #expect(ManagedRuntime.holdsManagedCode(image("[anonymous]", .jit)))
    #expect(!ManagedRuntime.holdsManagedCode(image("/libc.so")))
    #expect(!ManagedRuntime.holdsManagedCode(image("[vdso]", .vdso)))
  }
}
