import Foundation
import Report
import TestSupport
import Testing

/// examples/coroutine-overflow: what the program's own handler says, and what a report says without it.
@Suite(.timeLimit(.minutes(5))) struct CoroutineOverflowTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var mode: String
    var program: String
    var testDescription: String { "\(program) \(mode)" }
    var isCoroutine: Bool { mode.hasPrefix("coroutine") }
    var isWild: Bool { mode.hasPrefix("wild") }
    /// The one overflow that touches no guard page: the handler cannot know.
    var isLeap: Bool { mode == "coroutine-leap" }

    static let all = ["coroutine-overflow", "coroutine-overflow.musl"].flatMap { program in
      [
        "coroutine", "coroutine-on-thread", "coroutine-leap", "wild-far", "wild-near", "thread",
        "main",
      ].map {
        Case(mode: $0, program: program)
      }
    }
  }

  /// Stack and guard as the program printed them.
  private struct Bounds {
    var start: UInt64
    var end: UInt64
    var guardStart: UInt64?

    init(_ outcome: Outcome) throws {
      let pattern = /stack 0x([0-9a-f]+)-0x([0-9a-f]+)(?: guard 0x([0-9a-f]+)-0x([0-9a-f]+))?/
      guard let match = outcome.text.firstMatch(of: pattern),
        let start = UInt64(match.1, radix: 16), let end = UInt64(match.2, radix: 16)
      else { throw TestFailure("no bounds: \(outcome)") }
      (self.start, self.end) = (start, end)
      guardStart = match.3.flatMap { UInt64($0, radix: 16) }
    }
  }

  private let example = Example(name: "coroutine-overflow")

  /// Alone, and with our library in it: the handler stays the program's.
  @Test(arguments: Case.all, [false, true])
  func theHandlerTellsAnOverflowFromAFault(_ one: Case, preloaded: Bool) throws {
    let program = try example.program(one.program)
    let scratch = try Scratch()
    let outcome = try run(
      [program, one.mode],
      environment: preloaded
        ? [
          "LD_PRELOAD": Places.stage + "/lib/inquest/libinquest-preload.so",
          "INQUEST_DIR": scratch.file("reports"),
        ] : [:])
    #expect(outcome.signal == SIGSEGV, "\(outcome)")
    let line = String(outcome.complaints.first ?? "")
    #expect(outcome.complaints.count == 1, "\(outcome)")
    guard one.isCoroutine, !one.isLeap else {
      #expect(line.wholeMatch(of: /memory fault at 0x[0-9a-f]+/) != nil, "\(line)")
      return
    }
    let bounds = try Bounds(outcome)
    let (start, end) = (String(bounds.start, radix: 16), String(bounds.end, radix: 16))
    #expect(
      line == "call stack overflow in coroutine 3 (stack 0x\(start)-0x\(end), 65536 bytes)",
      "\(outcome)")
  }

  /// Without a handler of the program's own, and with one that has gone back to the default action.
  @Test(arguments: Case.all, [false, true])
  func theReportTellsThemApartToo(_ one: Case, hasHandler: Bool) throws {
    let scratch = try Scratch()
    let outcome = try run(
      [Places.inquest, "run", "--dir", scratch.file("reports"), "--"]
        + [example.program(one.program), one.mode] + (hasHandler ? [] : ["--no-handler"]),
      environment: ["INQUEST_CATCH": "1"])
    #expect(outcome.signal == SIGSEGV, "\(outcome)")
    let captured = try onlyReport(in: scratch.file("reports"), of: outcome)
    let report = captured.report
    let crash = report.crash
    #expect(crash.signal?.number == Int(SIGSEGV))
    #expect(crash.signal?.origin == .kernel)
    let thread = try #require(report.threads.first { $0.crashed })
    let stack = try #require(thread.stack)
    // Of what calls main, musl has no unwind information.
    let isMuslMain = one.mode == "main" && one.program.hasSuffix(".musl")
    #expect(thread.complete || isMuslMain, "\(thread.endReason)")

    // The memory map is that of the fault: what we need ourselves must not come to lie where nothing was.
    if one.isWild || one.isLeap {
      let address = try #require(crash.signal?.address?.value)
      #expect(!report.memoryMap.contains { $0.start.value <= address && address < $0.end.value })
    }
    if one.isWild {
      #expect(report.diagnoses.first?.rule == "wild_pointer")
      #expect(crash.kind == .nativeFault, "\(crash.summary)")
      #expect(thread.functions.contains("parse_deeply"), "\(thread.functions)")
    } else {
      #expect(crash.kind == .stackOverflow, "\(crash.summary)")
      #expect(report.diagnoses.first?.rule == "stack_overflow")
      #expect(thread.frames.count < 20)
    }
    if !one.isWild, !one.isLeap {
      let recursion = thread.frames.filter { $0.function == "descend" }
      #expect(recursion.contains { ($0.repeated?.times ?? 0) > 100 }, "\(recursion)")
    }
    if one.isCoroutine || one.isWild {
      let bounds = try Bounds(outcome)
      #expect(stack.kind == .custom)
      #expect(stack.start.value == bounds.start)
      #expect(stack.end.value == bounds.end)
      #expect(stack.guardPages?.start.value == bounds.guardStart)
      #expect(stack.guardPages?.end.value == bounds.start)
      // Where the coroutine begins, its stack ends.
      #expect(thread.frames.last?.function == "coroutine_begin", "\(thread.functions.suffix(3))")
    } else {
      #expect(stack.kind == (one.mode == "main" ? .main : .thread))
    }
    #expect((thread.id == report.process.pid) == (one.mode.hasSuffix("thread") == false))
  }

  /// `make example-coroutine-overflow`.
  @Test func theExampleShowsAllOfIt() throws {
    let scratch = try Scratch()
    let outcome = try example.runAll(in: scratch, timeout: 60)
    #expect(outcome.status == 0, "\(outcome)")
    #expect(outcome.text.contains("call stack overflow in coroutine"))
    #expect(outcome.text.contains("Stack overflow of a stack of the program's own"))
    #expect(outcome.text.contains("(wild_pointer, medium confidence)"))
  }

  /// The assembly of the other architecture is run nowhere here; it has at least to be right as assembly.
  @Test func bothArchitecturesAssemble() throws {
    let scratch = try Scratch()
    for machine in ["x86_64", "aarch64"] {
      let object = scratch.file(machine + ".o")
      _ = try output(of: [
        "clang", "--target=\(machine)-linux-gnu", "-c", "-o", object,
        "\(example.folder)/switch_\(machine).S",
      ])
      let symbols = try output(of: ["readelf", "-sW", object])
      #expect(symbols.contains("coroutine_switch") && symbols.contains("coroutine_begin"))
    }
  }
}
