import Foundation
import Memory
import Symbols
import Testing

/// Debug information comes from the target: whatever is in it, the look-up ends.
@Suite(.timeLimit(.minutes(5))) struct DamagedLinesTests {
  let lab: Lab

  init() throws {
    lab = try Lab()
  }

  /// Flips bytes in the debug sections of one build, a thousand times. In this process: of tens
  /// of thousands that were tried none made libdw die; if one ever does, that costs a report its lines.
  @Test(arguments: [
    ["g++", "-g", "-O2"], ["g++", "-gdwarf-4", "-O2", "-fdebug-types-section"],
    ["clang++", "-g", "-O2"], ["clang++", "-gdwarf-4", "-O1"], ["g++", "-g", "-O2", "-gz=zlib"],
  ])
  func flippedBytes(build: [String]) throws {
    try lab.write(
      """
      template <class T> inline T power(T t, int n) { T r = 1; while (n-- > 0) r *= t; return r; }
      namespace shop { struct Order { int cents; int total() const { return power(cents, 3); } }; }
      __attribute__((noinline)) int handle(const shop::Order& o) { return o.total() + power(2, o.cents); }
      int main(int count, char**) { shop::Order o{count}; auto f = [&] { return handle(o); }; return f(); }
      """, to: "x.cc")
    _ = try Lab.run(build + ["-Wl,--build-id=sha1", "x.cc", "-o", "x"], in: lab.directory)
    let addresses = try lab.addresses(in: "x", step: 3) { $0.hasPrefix("_Z") || $0 == "main" }
    let good = Array(try Data(contentsOf: URL(fileURLWithPath: lab.path("x"))))
    let sections = try lab.run("readelf", "-SW", "x").split(separator: "\n")
      .compactMap { line -> (name: String, range: Range<Int>)? in
        guard
          let match = line.firstMatch(
            of: #/ (\.debug_\w+) +PROGBITS +[0-9a-f]+ ([0-9a-f]+) ([0-9a-f]+)/#),
          let offset = Int(match.2, radix: 16), let size = Int(match.3, radix: 16), size > 0
        else { return nil }
        return (String(match.1), offset..<(offset + size))
      }
    try #require(sections.count >= 5, "\(sections)")
    var image = try image(of: lab.path("x"))
    image.buildID = nil
    image.segments = []
    let table = ImageTable([image])
    let path = lab.path("damaged")
    let symbolizer = Symbolizer(
      open: { $0.end == 0 ? nil : open(path, O_RDONLY | O_CLOEXEC) }, debugRoot: "/none")
    func look(at bytes: [UInt8]) throws -> LineResult {
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      return symbolizer.lines(of: addresses, in: table, isPastDeadline: { false })
    }
    let whole = try look(at: good)
    try #require(whole.places.values.contains { !$0.inlined.isEmpty })

    var random = SystemRandomNumberGenerator()
    var differing = 0
    for round in 0..<1000 {
      var damaged = good
      let section = sections[round % sections.count]
      for _ in 0..<[1, 1, 2, 8, 40][round % 5] {
        let at = Int.random(in: section.range, using: &random)
        damaged[at] = [0, 0xff, 0x80, 0x7f, .random(in: 0...255, using: &random)].randomElement(
          using: &random)!
      }
      if try look(at: damaged).places != whole.places { differing += 1 }
    }
    #expect(differing > 100, "the damage was nowhere near what is read")
  }
}
