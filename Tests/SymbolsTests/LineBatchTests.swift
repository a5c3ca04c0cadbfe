import Foundation
import Memory
import Symbols
import Testing

/// Units that several threads look at, each with a handle of its own on the one file.
@Suite struct LineBatchTests {
  /// Units of one function each whose line table, of 400,000 rows, is more than a batch's.
  @Test(arguments: [[], ["-gz=zlib"]]) func severalThreads(packing: [String]) throws {
    let lab = try Lab()
    let units = 0..<5
    for unit in units {
      try lab.write(
        """
        inline __attribute__((always_inline)) void rows(void) {
          __asm__ volatile(".rept 200000\\n.loc 1 \(7 + unit)\\nnop\\n.loc 1 90000\\nnop\\n.endr");
        }
        void unit_\(unit)(void) { rows(); }
        """, to: "\(unit).c")
    }
    let calls = units.map { "unit_\($0)();" }.joined()
    try lab.write("int main() { \(calls) }", to: "main.c")
    let sources = units.map { "\($0).c" } + ["main.c"]
    _ = try Lab.run(
      ["gcc", "-g", "-O1", "-w", "-Wl,--build-id=sha1"] + packing + sources + ["-o", "x"],
      in: lab.directory)
    let addresses = try lab.addresses(in: "x", step: 1009) { $0.hasPrefix("unit_") || $0 == "main" }

    let symbolizer = Symbolizer(open: openPath, debugRoot: "/nonexistent")
    var shared = 0
    let result = symbolizer.lines(
      of: addresses, in: ImageTable([try image(of: lab.path("x"))]),
      share: { count, body in
        shared = count
        withoutActuallyEscaping(body) { body in
          nonisolated(unsafe) let body = body
          DispatchQueue.concurrentPerform(iterations: count) { body($0..<$0 + 1) }
        }
      }, isPastDeadline: { false })
    #expect(shared >= units.count, "no work for several threads")
    #expect(result.problems.isEmpty)
    compare(
      result.places, with: try LineTruth.llvm(lab.path("x"), addresses), columns: true, names: true)
  }
}
