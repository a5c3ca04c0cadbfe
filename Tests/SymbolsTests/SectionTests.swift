import Foundation
import Memory
import Testing

@testable import Symbols

/// Sections that are not about names, against readelf and objcopy.
@Suite(.timeLimit(.minutes(5))) struct SectionTests {
  private let lab: Lab
  private let symbolizer: Symbolizer

  /// A program whose rules are in .debug_frame.
  init() throws {
    lab = try Lab()
    symbolizer = Symbolizer(open: openPath, debugRoot: lab.path("debug"))
    try lab.write("int f(int x) { return x + 1; } int main(void) { return f(0); }", to: "a.c")
    try lab.run(
      "cc", "-g", "-fno-asynchronous-unwind-tables", "-Wl,--build-id", "-o", "plain", "a.c")
  }

  /// What objcopy takes out of the file.
  private func truth() throws -> [UInt8] {
    try lab.run(
      "objcopy", "-O", "binary", "--only-section=.debug_frame",
      "--set-section-flags=.debug_frame=alloc", "plain", "frames")
    return Array(try Data(contentsOf: URL(fileURLWithPath: lab.path("frames"))))
  }

  @Test(arguments: ["none", "zlib", "zlib-gnu"]) func packedOrNot(form: String) throws {
    try lab.run("objcopy", "--compress-debug-sections=\(form)", "plain", "packed")
    let frames = try symbolizer.debugFrames(of: image(of: lab.path("packed"))) { false }
    #expect(try frames == truth())
    #expect(try truth().count > 50)
  }

  @Test func inASeparateFile() throws {
    try lab.run("objcopy", "--only-keep-debug", "plain", "plain.debug")
    try lab.run("objcopy", "--strip-debug", "--add-gnu-debuglink=plain.debug", "plain", "stripped")
    #expect(try symbolizer.debugFrames(of: image(of: lab.path("stripped"))) { false } == truth())
    try FileManager.default.removeItem(atPath: lab.path("plain.debug"))
    #expect(try symbolizer.debugFrames(of: image(of: lab.path("stripped"))) { false } == nil)
  }

  @Test func anotherBuildIsNotAsked() throws {
    var image = try image(of: lab.path("plain"))
    #expect(symbolizer.addresses(ofSection: ".eh_frame", in: image) != nil)
    image.buildID = [1, 2, 3]
    #expect(symbolizer.debugFrames(of: image) { false } == nil)
    #expect(symbolizer.addresses(ofSection: ".eh_frame", in: image) == nil)
  }

  @Test func whereASectionIsLoaded() throws {
    let image = try image(of: lab.path("plain"), bias: 0x7000_0000)
    let listed = try lab.run("readelf", "-SW", "plain")
    let match = try #require(
      listed.firstMatch(of: #/ \.eh_frame +\w+ +([0-9a-f]+) [0-9a-f]+ ([0-9a-f]+)/#))
    let (start, size) = (UInt64(match.1, radix: 16)!, UInt64(match.2, radix: 16)!)
    #expect(symbolizer.addresses(ofSection: ".eh_frame", in: image) == start..<start + size)
    #expect(symbolizer.addresses(ofSection: ".debug_frame", in: image) == nil, "not loaded")
    #expect(symbolizer.addresses(ofSection: ".nothing", in: image) == nil)
  }

  /// A header that promises terabytes costs nothing; nor does one that lies a little give half a section.
  @Test(arguments: ["zlib", "zlib-gnu"], [1 << 42, 1 << 27, 1, 0] as [UInt64])
  func sizesThatLie(form: String, size: UInt64) throws {
    try lab.run("objcopy", "--compress-debug-sections=\(form)", "plain", "packed")
    let listed = try lab.run("readelf", "-SW", "packed")
    let match = try #require(
      listed.firstMatch(of: #/ \.z?debug_frame +\w+ +[0-9a-f]+ ([0-9a-f]+)/#))
    let path = URL(fileURLWithPath: lab.path("packed"))
    var bytes = try Data(contentsOf: path)
    // Elf64_Chdr: type, reserved, size. The older form: "ZLIB", the size most significant byte first.
    let old = form == "zlib-gnu"
    let at = Int(match.1, radix: 16)! + (old ? 4 : 8)
    let lie = withUnsafeBytes(of: old ? size.bigEndian : size.littleEndian) { Data($0) }
    bytes.replaceSubrange(at..<at + 8, with: lie)
    try bytes.write(to: path)
    #expect(try symbolizer.debugFrames(of: image(of: lab.path("packed"))) { false } == nil)
  }
}
