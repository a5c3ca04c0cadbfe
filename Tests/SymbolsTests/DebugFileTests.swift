import Foundation
import Memory
import Symbols
import Testing

@Suite struct DebugFileTests {
  let lab: Lab
  /// Unstripped, the truth.
  let program: String

  init() throws {
    lab = try Lab()
    try lab.write(CompiledProgramTests.c, to: "c.c")
    try lab.run("gcc", "-O0", "-rdynamic", "-Wl,--build-id=sha1", "c.c", "-o", "full")
    program = lab.path("full")
  }

  private var symbolizer: Symbolizer {
    Symbolizer(open: openPath, debugRoot: lab.path("debug"))
  }

  /// Where the function is that only .symtab knows.
  private func inner() throws -> UInt64 {
    try #require(try Function.all(in: program).first { $0.name == "inner" }).start
  }

  private func directory(_ name: String) throws {
    try FileManager.default.createDirectory(
      atPath: lab.path(name), withIntermediateDirectories: true)
  }

  private func name(of address: UInt64, in path: String) throws -> String? {
    symbolizer.resolve([address], in: try image(of: path)).symbols[address]?.name
  }

  private func strip() throws {
    try lab.run("objcopy", "--only-keep-debug", "full", "full.debug")
    try lab.run("strip", "-o", "stripped", "full")
  }

  private func installByBuildID(_ file: String) throws {
    let id = try #require(try buildID(of: program)).map { String(format: "%02x", $0) }
    try directory("debug/.build-id/\(id[0])")
    try FileManager.default.copyItem(
      atPath: lab.path(file),
      toPath: lab.path("debug/.build-id/\(id[0])/\(id.dropFirst().joined()).debug"))
  }

  @Test func strippedBinaryHasOnlyWhatItExports() throws {
    try strip()
    let outer = try #require(try Function.all(in: program).first { $0.name == "outer" }).start
    #expect(try name(of: outer, in: lab.path("stripped")) == "outer")
    // It lies behind exported functions, and none of them is its name.
    #expect(try name(of: inner() + 3, in: lab.path("stripped")) == nil)
  }

  @Test func binaryWithoutAnySymbolsSaysSo() throws {
    try lab.write("void _start(void) { for (;;); }", to: "n.c")
    try lab.run("gcc", "-nostdlib", "-static", "-s", "n.c", "-o", "n")
    let image = try image(of: lab.path("n"))
    let code = try #require(image.mappings.first { $0.isExecutable })
    let result = symbolizer.resolve([code.start + 2], in: image)
    #expect(result.symbols.isEmpty)
    #expect(result.problems.map(\.problem) == [.noSymbols])
  }

  @Test func byBuildID() throws {
    try strip()
    try installByBuildID("full.debug")
    #expect(try name(of: inner(), in: lab.path("stripped")) == "inner")
    try compareWithNM(lab.path("stripped"), symbolizer: symbolizer, truth: program)
  }

  @Test(arguments: [".", ".debug", "root"], [true, false])
  func byDebugLink(place: String, hasBuildID: Bool) throws {
    if !hasBuildID { try lab.run("objcopy", "-R", ".note.gnu.build-id", "full") }
    try strip()
    try lab.run("objcopy", "--add-gnu-debuglink=full.debug", "stripped", "linked")
    let target = place == "root" ? "debug" + lab.directory.path : place
    if target != "." {
      try directory(target)
      try FileManager.default.moveItem(
        atPath: lab.path("full.debug"), toPath: lab.path(target + "/full.debug"))
    }
    #expect(try name(of: inner(), in: lab.path("linked")) == "inner")

    // The same name, but of another build: never.
    let file = try #require(
      FileHandle(forWritingAtPath: lab.path(target + "/full.debug")), "debug file")
    if hasBuildID {
      let bytes = try Data(contentsOf: URL(fileURLWithPath: lab.path(target + "/full.debug")))
      let expected = try #require(try buildID(of: program))
      let id = try #require(bytes.range(of: Data(expected)))
      try file.seek(toOffset: UInt64(id.lowerBound))
      try file.write(contentsOf: [0xff, 0xee, 0xdd])
    } else {
      try file.seekToEnd()
      try file.write(contentsOf: [0])
    }
    try file.close()
    #expect(try name(of: inner(), in: lab.path("linked")) == nil)
  }

  @Test func miniDebugInfo() throws {
    try lab.run("strip", "-o", "mini", "full")
    // As Fedora's find-debuginfo makes it: functions that .dynsym lacks.
    try lab.run("objcopy", "-S", "--keep-symbol=inner", "full", "debugdata")
    try lab.run("xz", "debugdata")
    try lab.run("objcopy", "--add-section", ".gnu_debugdata=debugdata.xz", "mini")
    #expect(try name(of: inner() + 2, in: lab.path("mini")) == "inner")
    let outer = try #require(try Function.all(in: program).first { $0.name == "outer" }).start
    #expect(try name(of: outer, in: lab.path("mini")) == "outer")
  }

  @Test func bombInMiniDebugInfoIsNotUnpacked() throws {
    try lab.run("strip", "-o", "bomb", "full")
    try lab.run("sh", "-c", "head -c 300000000 /dev/zero | xz -1 -T1 > zeros.xz")
    try lab.run("objcopy", "--add-section", ".gnu_debugdata=zeros.xz", "bomb")
    let result = symbolizer.resolve([try inner()], in: try image(of: lab.path("bomb")))
    #expect(result.symbols.isEmpty)
    guard case .unreadable(let why) = try #require(result.problems.first).problem else {
      Issue.record("\(result.problems)")
      return
    }
    #expect(why.contains("gnu_debugdata"))
  }

  @Test func replacedBinaryNamesNothing() throws {
    try strip()
    let image = try image(of: program)
    try lab.write(CompiledProgramTests.c.replacing("inner", with: "liar"), to: "c.c")
    try lab.run("gcc", "-O0", "-rdynamic", "-Wl,--build-id=sha1", "c.c", "-o", "full")
    let address = try #require(try Function.all(in: program).first { $0.name == "liar" }).start
    let result = symbolizer.resolve([address], in: image)
    #expect(result.symbols.isEmpty)
    #expect(result.problems.map(\.problem) == [.replacedOnDisk])
  }

  @Test func replacedBinaryIsNamedByItsOldDebugFile() throws {
    try strip()
    try installByBuildID("full.debug")
    let image = try image(of: program)
    let address = try inner()
    try lab.write("int main(void) { return 0; }", to: "c.c")
    try lab.run("gcc", "c.c", "-Wl,--build-id=sha1", "-o", "full")
    let result = symbolizer.resolve([address], in: image)
    #expect(result.symbols[address]?.name == "inner")
    #expect(result.problems.isEmpty)
    // Nor is a deleted one lost.
    try FileManager.default.removeItem(atPath: program)
    #expect(symbolizer.resolve([address], in: image).symbols[address]?.name == "inner")
  }

  @Test func withoutBuildIDTheProgramHeadersTell() throws {
    try lab.run("objcopy", "-R", ".note.gnu.build-id", "full")
    let image = try image(of: program)
    #expect(image.buildID == nil)
    let address = try inner()
    #expect(symbolizer.resolve([address], in: image).symbols[address]?.name == "inner")
    try lab.write(CompiledProgramTests.c + "int more[5000] = {1};", to: "c.c")
    try lab.run("gcc", "-O0", "-Wl,--build-id=none", "c.c", "-o", "full")
    let result = symbolizer.resolve([address], in: image)
    #expect(result.symbols.isEmpty)
    #expect(result.problems.map(\.problem) == [.replacedOnDisk])
  }

  @Test func missingFileAndWhatIsNoFile() throws {
    let address = try inner()
    let image = try image(of: program)
    let table = ImageTable([image])
    let none = Symbolizer(open: { _ in nil }, debugRoot: "/none")
    #expect(none.resolve([address], in: image).problems.map(\.problem) == [.fileUnavailable])
    try lab.run("mkfifo", "pipe")
    for path in ["/dev/zero", lab.path("pipe"), "/proc/self/maps", "/etc/passwd", "/"] {
      let odd = Symbolizer(
        open: { _ in open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC) }, debugRoot: "/none")
      let result = odd.resolve([address], in: table, isPastDeadline: { false })
      guard case .unreadable = try #require(result.problems.first).problem else {
        Issue.record("\(path): \(result.problems)")
        continue
      }
    }
  }

  @Test func descriptorsAreClosed() throws {
    func count() throws -> Int {
      try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
    }
    let image = try image(of: program)
    let address = try inner()
    var opened: [CInt] = []
    let symbolizer = Symbolizer(
      open: { image in
        openPath(image).map {
          opened.append($0)
          return $0
        }
      }, debugRoot: "/none")
    _ = symbolizer.resolve([address], in: image)
    #expect(!opened.isEmpty)
    // Other tests open files too: what counts is that ours is no longer this file.
    for descriptor in opened {
      let target = try? FileManager.default.destinationOfSymbolicLink(
        atPath: "/proc/self/fd/\(descriptor)")
      #expect(target != program)
    }
  }
}
