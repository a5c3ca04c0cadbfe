import Foundation
import Memory
import Symbols
import Testing

/// Where debug information may lie, and in which state.
@Suite struct LineFileTests {
  let lab: Lab
  /// Of the program's own functions, as the file has them.
  let addresses: [UInt64]
  /// What the unstripped program says.
  let truth: [UInt64: CodePlace]

  init() throws {
    (lab, addresses, truth) = try Lab.withProgram()
  }

  private func lines(_ name: String) throws -> LineResult {
    try lab.lines(of: addresses, in: name, debugRoot: lab.path("debug"))
  }

  private func directory(_ name: String) throws {
    try FileManager.default.createDirectory(
      atPath: lab.path(name), withIntermediateDirectories: true)
  }

  private func installByBuildID(_ file: String) throws {
    let id = try #require(try buildID(of: lab.path(file))).map { String(format: "%02x", $0) }
    try directory("debug/.build-id/\(id[0])")
    try FileManager.default.moveItem(
      atPath: lab.path(file),
      toPath: lab.path("debug/.build-id/\(id[0])/\(id.dropFirst().joined()).debug"))
  }

  private func strip() throws {
    try lab.run("objcopy", "--only-keep-debug", "x", "x.debug")
    try lab.run("strip", "-o", "stripped", "x")
  }

  @Test func byBuildID() throws {
    try strip()
    #expect(try lines("stripped").places.isEmpty)
    #expect(try lines("stripped").problems.isEmpty, "a stripped program is nothing to complain of")
    try installByBuildID("x.debug")
    #expect(try lines("stripped").places == truth)
  }

  @Test func byDebugLink() throws {
    try strip()
    try lab.run("objcopy", "--add-gnu-debuglink=x.debug", "stripped", "linked")
    #expect(try lines("linked").places == truth)
  }

  @Test(arguments: ["zlib", "zlib-gabi", "zlib-gnu"])
  func packed(format: String) throws {
    try lab.run("objcopy", "--compress-debug-sections=\(format)", "x", "packed")
    #expect(try lines("packed").places == truth)
  }

  /// libelf learned zstd in 0.189; before that it says so.
  @Test func packedInAnUnknownWay() throws {
    try lab.run("objcopy", "--compress-debug-sections=zstd", "x", "packed")
    let result = try lines("packed")
    #expect(result.places == truth || result.problems.count == 1)
  }

  @Test func withoutAddressTable() throws {
    try lab.run("objcopy", "-R", ".debug_aranges", "x", "bare")
    #expect(try lines("bare").places == truth)
  }

  /// What dwz has moved to a file of its own, found by its build-id or by its place, and by nothing else.
  @Test func sharedDebugInformation() throws {
    try lab.run("g++", "-g", "-O2", "-Wl,--build-id=sha1", "-DOTHER", "x.cc", "-o", "y")
    let shared = lab.path("debug/.dwz/here/common.debug")
    try directory("debug/.dwz/here")
    try lab.run("dwz", "-m", shared, "-M", shared, "x", "y")
    let sections = try lab.run("readelf", "-SW", "x")
    try #require(sections.contains(".gnu_debugaltlink"))
    #expect(try lines("x").places == truth)

    let id = try #require(try buildID(of: shared)).map { String(format: "%02x", $0) }
    try directory("debug/.build-id/\(id[0])")
    let byID = lab.path("debug/.build-id/\(id[0])/\(id.dropFirst().joined()).debug")
    try FileManager.default.moveItem(atPath: shared, toPath: byID)
    #expect(try lines("x").places == truth)

    // Of another build, or at the place that the program names, but that is none of ours: not opened.
    try FileManager.default.copyItem(atPath: lab.path("x.cc"), toPath: shared)
    try FileManager.default.moveItem(atPath: byID, toPath: lab.path("elsewhere"))
    for attempt in 0..<2 {
      let result = try lines("x")
      #expect(result.places.isEmpty)
      let problem = try #require(result.problems.first).problem
      #expect("\(problem)".contains("common.debug, which is not installed"))
      // Opening it would wait for a writer for ever.
      try FileManager.default.removeItem(atPath: shared)
      if attempt == 0 { try lab.run("mkfifo", shared) }
    }
  }

  /// Split DWARF: the lines are in the program, the rest beside it, at a path that the program chooses.
  @Test func splitFileIsNotOpened() throws {
    try lab.run("g++", "-g", "-gsplit-dwarf", "-O2", "x.cc", "-c", "-o", "s.o")
    try lab.run("g++", "s.o", "-o", "s")
    try FileManager.default.removeItem(atPath: lab.path("s.dwo"))
    try lab.run("mkfifo", "s.dwo")
    let result = try lines("s")
    #expect(result.problems.isEmpty)
    #expect(result.places.keys == truth.keys)
    for (address, place) in result.places {
      let expected = truth[address].map { $0.inlined.first?.place ?? $0.place }
      #expect(place == CodePlace(place: expected ?? nil), "no inlined calls")
    }
  }

  /// gdb and perf wait for servers of debug information; we must not even load the library that does.
  @Test func noServerIsAsked() throws {
    try strip()
    _ = try lines("stripped")
    let maps = String(decoding: try Lab.readAll("/proc/self/maps"), as: UTF8.self)
    #expect(!maps.contains("libdebuginfod") && !maps.contains("libcurl"))
    // libdw is linked in: then so would be the name of what it loads. Backwards here, lest we find this one.
    let program = try Lab.readAll("/proc/self/exe")
    #expect(program.firstRange(of: Array("dwarf_begin_elf".utf8)) != nil)
    #expect(program.firstRange(of: Array("os.dofnigubedbil".utf8.reversed())) == nil)
  }

  @Test func outOfTime() throws {
    let image = try image(of: lab.path("x"))
    let symbolizer = Symbolizer(open: openPath, debugRoot: "/nonexistent")
    let result = symbolizer.lines(
      of: addresses, in: ImageTable([image]), isPastDeadline: { true })
    #expect(result.places.isEmpty)
    #expect(result.problems.map(\.problem) == [.pastDeadline])
    // At any moment: what was found until then is kept, if not always its name.
    for limit in 1..<8 {
      var left = limit
      let result = symbolizer.lines(of: addresses, in: ImageTable([image])) {
        left -= 1
        return left < 0
      }
      #expect(
        result.places.mapValues(\.place) == truth.mapValues(\.place)
          || result.problems.map(\.problem) == [.pastDeadline])
    }
  }

  /// A section that claims to unpack to terabytes, and one that unpacks to more than anybody wants.
  @Test(arguments: [UInt64(1) << 42, .max, 1 << 31])
  func bombIsNotUnpacked(claim: UInt64) throws {
    try lab.run("objcopy", "--compress-debug-sections=zlib", "x", "packed")
    let listing = try lab.run("readelf", "-SW", "packed")
    let line = try #require(listing.split(separator: "\n").first { $0.contains(" .debug_info ") })
    let fields = line.split(separator: "]").last!.split(separator: " ")
    let offset = try #require(UInt64(fields[3], radix: 16))
    let file = try #require(FileHandle(forWritingAtPath: lab.path("packed")))
    try file.seek(toOffset: offset + 8)
    try file.write(contentsOf: withUnsafeBytes(of: claim) { Data($0) })
    try file.close()
    let result = try lines("packed")
    #expect(result.places.isEmpty)
    let problem = try #require(result.problems.first).problem
    #expect("\(problem)".contains("unpacks to more than"))
  }
}

extension Lab {
  /// With a program `x` that has lines and inlined calls, addresses in its own functions, and what it says of them.
  static func withProgram() throws -> (Lab, [UInt64], [UInt64: CodePlace]) {
    let lab = try Lab()
    try lab.write(LineTests.cxx, to: "x.cc")
    try lab.run("g++", "-g", "-O2", "-Wl,--build-id=sha1", "x.cc", "-o", "x")
    let addresses = try lab.addresses(in: "x", step: 5) { $0.hasPrefix("_Z") || $0 == "main" }
    let truth = try lab.lines(of: addresses, in: "x").places
    try #require(truth.values.contains { $0.inlined.count > 2 })
    return (lab, addresses, truth)
  }
}
