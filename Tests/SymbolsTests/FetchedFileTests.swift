import Foundation
import Memory
import Symbols
import Testing

/// Debug files that come from elsewhere, and what is asked for there.
@Suite struct FetchedFileTests {
  let lab: Lab
  let addresses: [UInt64]
  /// What the unstripped program says.
  let truth: [UInt64: CodePlace]

  init() throws {
    (lab, addresses, truth) = try Lab.withProgram()
    try lab.run("strip", "-o", "stripped", "x")
  }

  /// A fetcher that has these files, what was asked of it, and what came of it.
  private func lines(_ name: String, fetching files: [String]) throws -> (LineResult, [[UInt8]]) {
    let paths = try Dictionary(
      uniqueKeysWithValues: files.map {
        (try #require(try buildID(of: lab.path($0))), lab.path($0))
      })
    var asked: [[UInt8]] = []
    let symbolizer = Symbolizer(
      open: openPath, debugRoot: lab.path("debug"),
      fetch: { id in
        asked.append(id)
        return paths[id].map { open($0, O_RDONLY | O_CLOEXEC) }
      })
    let images = ImageTable([try image(of: lab.path(name))])
    return (symbolizer.lines(of: addresses, in: images) { false }, asked)
  }

  @Test func byBuildID() throws {
    try lab.run("objcopy", "--only-keep-debug", "x", "x.debug")
    let (result, asked) = try lines("stripped", fetching: ["x.debug"])
    #expect(result.places == truth)
    #expect(result.bare.isEmpty)
    #expect(asked == [try #require(try buildID(of: lab.path("x")))])
  }

  @Test func nothingIsAskedWhereAllIsThere() throws {
    let (result, asked) = try lines("x", fetching: [])
    #expect(result.places == truth)
    #expect(asked.isEmpty)
  }

  @Test func whatDwzHasMovedOut() throws {
    try lab.run("g++", "-g", "-O2", "-Wl,--build-id=sha1", "-DOTHER", "x.cc", "-o", "y")
    try lab.run("dwz", "-m", "common", "-M", "/usr/lib/debug/.dwz/none/common", "x", "y")
    let (result, asked) = try lines("x", fetching: ["common"])
    #expect(result.places == truth)
    #expect(asked == [try #require(try buildID(of: lab.path("common")))])
  }

  /// Whatever is handed out, it has to be of the build that runs.
  @Test func theWrongFile() throws {
    try lab.run("g++", "-g", "-O1", "-Wl,--build-id=sha1", "x.cc", "-o", "y")
    for wrong in ["y", "x.cc"] {
      let descriptor = open(lab.path(wrong), O_RDONLY | O_CLOEXEC)
      #expect(!Symbolizer.isFile(descriptor, ofBuild: try #require(try buildID(of: lab.path("x")))))
      let symbolizer = Symbolizer(
        open: openPath, debugRoot: "/nonexistent",
        fetch: { _ in open(lab.path(wrong), O_RDONLY | O_CLOEXEC) })
      let images = ImageTable([try image(of: lab.path("stripped"))])
      let result = symbolizer.lines(of: addresses, in: images) { false }
      #expect(result.places.isEmpty && result.problems.isEmpty)
      #expect(result.bare == [0])
    }
  }
}
