import Memory
import Symbols
import Testing

/// Symbols as people write them by hand, where sizes and types are missing.
@Suite struct AssemblyTests {
  let lab: Lab
  let path: String

  init() throws {
    lab = try Lab()
    try lab.write(
      """
      .text
      .globl _start
      _start:              /* no type, no size */
        .skip 16
      local_label:         /* says nothing: might be inside of anything */
        .skip 16
      .globl sized
      .type sized, @function
      sized:
        .skip 16
      .globl inside        /* a label inside a function */
      inside:
        .skip 16
      .size sized, . - sized
        .skip 16           /* behind a sized function: nobody's */
      .type unsized, @function
      unsized:
        .skip 32
      .globl typeless
      typeless:
        .skip 16
      .size typeless, . - typeless
      .globl big, nested
      .type big, @function
      .type nested, @function
      big:
        .skip 16
      nested:
        .skip 16
      .size nested, . - nested
        .skip 16
      .size big, . - big
      .globl end_label
      end_label:
      .section .other, "ax", @progbits
        .skip 64
      """, to: "a.s")
    try lab.run("gcc", "-nostdlib", "-static", "-Wl,--build-id", "a.s", "-o", "a")
    path = lab.path("a")
  }

  @Test func eachByteHasItsName() throws {
    let image = try image(of: path)
    let text = try lab.run("nm", "a").split(separator: "\n").map(String.init)
      .first { $0.hasSuffix(" _start") }
    let start = try #require(text.flatMap { UInt64($0.prefix(16), radix: 16) })
    let expected: [(UInt64, String?)] = [
      (0, "_start"), (20, "_start"), (32, "sized"), (50, "sized"), (63, "sized"), (64, nil),
      (79, nil), (80, "unsized"), (111, "unsized"), (112, "typeless"), (127, "typeless"),
      (128, "big"), (144, "nested"), (160, "big"), (175, "big"),
    ]
    let found = Symbolizer(open: openPath, debugRoot: "/none")
      .resolve(expected.map { start + $0.0 }, in: image)
    for (offset, name) in expected {
      #expect(found.symbols[start + offset]?.name == name, "at \(offset)")
    }
    let sections = try lab.run("readelf", "-SW", "a")
    let other = try #require(sections.firstMatch(of: #/\.other +PROGBITS +([0-9a-f]+)/#))
    let address = try #require(UInt64(other.1, radix: 16)) + 8
    let outside = Symbolizer(open: openPath, debugRoot: "/none").resolve([address], in: image)
    #expect(outside.symbols.isEmpty)
  }
}
