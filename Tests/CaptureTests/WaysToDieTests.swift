import Foundation
import Report
import TestSupport
import Testing

/// One row for each way to die of Tests/Fixtures/native/ways_to_die.c: what a report has to say of it.
struct WayToDie: Sendable, CustomTestStringConvertible {
  var name: String
  var kind: Crash.Kind
  var origin: SignalRecord.Origin
  var access: SignalRecord.Access?
  /// The most certain verdict.
  var rule: String
  /// What else is true of it.
  var more: [String] {
    switch name {
    case "fault_in_handler", "nested_handlers", "overwritten_handler": ["fault_in_handler"]
    case "no_descriptors": ["descriptor_limit"]
    default: []
    }
  }
  /// Where it happens: the function, or the one that called what has no name.
  var function: String?
  /// Nil: that of the thread.
  var stack: StackRecord.Kind?
  var testDescription: String { name }

  private init(
    _ name: String, _ kind: Crash.Kind, _ origin: SignalRecord.Origin,
    _ access: SignalRecord.Access?, _ rule: String, in function: String? = nil,
    on stack: StackRecord.Kind? = nil
  ) {
    (self.name, self.kind, self.origin, self.access) = (name, kind, origin, access)
    (self.rule, self.function, self.stack) = (rule, function ?? name, stack)
  }

  private static func fault(
    _ name: String, _ access: SignalRecord.Access?, _ rule: String, in function: String? = nil,
    on stack: StackRecord.Kind? = nil
  ) -> WayToDie {
    WayToDie(name, .nativeFault, .kernel, access, rule, in: function, on: stack)
  }

  private static func overflow(
    _ name: String, in function: String, on stack: StackRecord.Kind? = nil
  ) -> WayToDie {
    WayToDie(name, .stackOverflow, .kernel, .write, "stack_overflow", in: function, on: stack)
  }

  static let all: [WayToDie] = [
    fault("null_read", .read, "null_dereference"),
    fault("null_write", .write, "null_dereference"),
    fault("null_field", .read, "null_dereference"),
    fault("null_element", .read, "null_dereference"),
    fault("wild_read", .read, "wild_pointer"),
    fault("wild_write", .write, "wild_pointer"),
    fault("past_end", .read, "wild_pointer"),
    fault("write_constant", .write, "write_to_read_only"),
    fault("write_code", .write, "write_to_code"),
    fault("inaccessible", .read, "inaccessible_memory"),
    fault("call_null", .execute, "call_through_null"),
    fault("call_null_slot", .read, "null_dereference"),
    fault("jump_void", .execute, "wild_jump"),
    fault("jump_data", .execute, "wild_jump"),
    overflow("overflow", in: "recurse"),
    overflow("overflow_mutual", in: "ping"),
    overflow("large_frame", in: "large_frame"),
    overflow("guard_jumped", in: "leap"),
    overflow("overflow_custom", in: "recurse", on: .custom),
    overflow("invisible_guard", in: "recurse", on: .custom),
    fault("stack_freed", nil, "stack_after_end", in: "", on: .custom),
    fault("stack_underflow", .read, "stack_after_end", on: .custom),
    fault("file_truncated", .read, "bus_error_past_end"),
    fault("divide", nil, "division_by_zero"),
    fault("divide_overflow", nil, "division_overflow"),
    fault("trap", nil, "trap_instruction"),
    fault("illegal", nil, "illegal_instruction"),
    fault("breakpoint", nil, "breakpoint"),
    fault("misaligned", nil, "misaligned_access"),
    fault("privileged", nil, "privileged_instruction"),
    WayToDie("plain_abort", .abort, .user, nil, "abort"),
    WayToDie("failed_assertion", .abort, .user, nil, "assertion_failed"),
    WayToDie("raised", .raisedSignal, .user, nil, "signal_sent"),
    WayToDie("sent_to_oneself", .raisedSignal, .user, nil, "signal_sent", in: ""),
    WayToDie("sent_by_child", .raisedSignal, .user, nil, "signal_sent", in: ""),
    fault("refused_call", nil, "seccomp_kill"),
    fault("handler_aborts", .read, "null_dereference", in: "null_field"),
    fault("handler_raises", .read, "bus_error_past_end", in: "file_truncated"),
    fault("fault_in_handler", .read, "null_dereference", in: "null_field", on: .alternate),
    fault("nested_handlers", .read, "null_dereference", in: "null_field", on: .alternate),
    fault("overwritten_handler", .read, "null_dereference", in: "null_field", on: .custom),
    WayToDie("no_descriptors", .abort, .user, nil, "abort"),
    // Near misses.
    fault("below_stack", .read, "wild_pointer"),
    fault("non_canonical", nil, "non_canonical_address"),
  ]

  /// Where the two libcs differ in what they notice, and in how.
  static let ofGlibc: [WayToDie] = [
    WayToDie("double_free", .abort, .user, nil, "heap_corruption"),
    WayToDie("stack_smashed", .abort, .user, nil, "stack_smashing", in: ""),
  ]
  static let ofMusl: [WayToDie] = [
    fault("double_free", .read, "wild_pointer"),
    fault("stack_smashed", nil, "stack_smashing", in: ""),
  ]
}

/// Programs that never call createdump, below the shim with INQUEST_CATCH=1: each death gets its report, which says
/// what it was and why.
@Suite(.timeLimit(.minutes(5))) struct WaysToDieTests {
  struct Program: Sendable, CustomTestStringConvertible {
    var path: String
    var ways: [WayToDie]
    var testDescription: String { path }
  }

  static let programs = [
    Program(path: "ways_to_die", ways: WayToDie.all + WayToDie.ofGlibc),
    Program(path: "ways_to_die.musl", ways: WayToDie.all + WayToDie.ofMusl),
  ]

  static let deaths: [(String, WayToDie, Bool)] = programs.flatMap { program in
    program.ways.flatMap { way in [false, true].map { (program.path, way, $0) } }
  }

  private func die(
    _ program: String, _ way: String, onThread: Bool, preloaded: Bool = true
  ) throws -> (outcome: Outcome, reports: [Captured]) {
    let scratch = try Scratch()
    let settings =
      preloaded
      ? ["LD_PRELOAD=\(try Places.shim)", "INQUEST_CATCH=1", "INQUEST_DIR=\(scratch.path)"] : []
    let outcome = try run(
      ["prlimit", "--core=0:", "--", "env"] + settings + [try Places.native(program)]
        + (onThread ? ["--thread"] : []) + [way])
    for line in outcome.text.split(separator: "\n") where line.hasPrefix("file ") {
      try? FileManager.default.removeItem(atPath: String(line.dropFirst(5)))
    }
    let reports = try scratch.contents().filter { $0.hasSuffix(".json") }
    return (outcome, try reports.map { try Captured(outcome, bytes(of: scratch.file($0))) })
  }

  @Test(arguments: deaths) func isUnderstood(
    _ program: String, _ way: WayToDie, onThread: Bool
  ) throws {
    let alone = try die(program, way.name, onThread: onThread, preloaded: false)
    let (outcome, reports) = try die(program, way.name, onThread: onThread)
    #expect(outcome.signal == alone.outcome.signal && outcome.status == alone.outcome.status)
    try #require(reports.count == 1, "\(outcome)")
    let report = reports[0].report
    let thread = try #require(report.crashedThread)
    #expect(report.crash.kind == way.kind, "\(report.crash.summary)")
    #expect(report.crash.signal?.origin == way.origin)
    // Which access a stack that is gone sees first is the compiler's choice.
    if way.name != "stack_freed" { #expect(report.crash.signal?.access == way.access) }
    // All of them: a false one behind the right one would be false as well.
    #expect(report.diagnoses.map(\.rule) == [way.rule] + way.more, "\(report.diagnoses)")
    if way.kind != .abort { #expect(report.diagnoses.first?.confidence != .low) }
    // A signal that is sent to the process comes to any of its threads.
    if way.name == "stack_freed" {
      #expect(thread.stack == nil, "it is gone")
    } else if !way.name.hasPrefix("sent_") {
      #expect(thread.stack?.kind == way.stack ?? (onThread ? .thread : .main))
    }
    if let function = way.function, !function.isEmpty {
      let first = thread.frames.prefix(8).compactMap(\.function)
      // Of mutual recursion either one may be the last.
      #expect(
        first.contains(function) || function == "ping" && first.contains("pong"), "\(first)")
    }
  }

  /// In a handler another stack, and on that another handler, which is on the alternate stack: the walk leads
  /// through all of it to main, and the report knows every stack.
  @Test(arguments: programs, [false, true]) func stacksAreKnownSeveralDeep(
    _ program: Program, onThread: Bool
  ) throws {
    let (outcome, reports) = try die(program.path, "nested_handlers", onThread: onThread)
    let thread = try #require(reports.first?.report.crashedThread)
    var kinds: [StackRecord.Kind] = []
    for frame in thread.frames {
      let kind = try #require(frame.stack ?? thread.stack?.kind)
      if kinds.last != kind { kinds.append(kind) }
    }
    let home: StackRecord.Kind = onThread ? .thread : .main
    #expect(kinds == [.alternate, .custom, home], "\(thread.functions)")
    #expect(thread.frames.count { $0.signalFrame == true } == 2)
    let story = [
      "null_field", "second_handler", "raise_second", "first_handler", "nested_handlers",
    ]
    #expect(thread.functions.filter(story.contains) == story)
    // The program's own words.
    let told = outcome.text.split(separator: "\n").filter { $0.hasPrefix("stack ") }.last
    let start = told.flatMap { UInt64($0.dropFirst(8), radix: 16) }
    let custom = try #require(thread.stacks?.first { $0.kind == .custom })
    #expect(custom.start.value == start && custom.end.value == (start ?? 0) + 64 << 10)
    #expect(custom.guardPages?.end == custom.start)
    #expect(thread.stacks?.map(\.kind) == [.alternate, .custom, home])
  }

  /// The kernel starts each signal at the top of the alternate stack unless the stack pointer is in it: what a
  /// handler that has left it had there is gone, and the walk would come by the same frames for ever.
  @Test(arguments: programs) func aSignalFrameThatWasOverwrittenEndsTheWalk(
    _ program: Program
  ) throws {
    let (_, reports) = try die(program.path, "overwritten_handler", onThread: false)
    let thread = try #require(reports.first?.report.crashedThread)
    #expect(thread.endReason == .noProgress && !thread.complete)
    #expect(thread.functions.count { $0 == "null_field" } == 1)
    #expect(thread.functions.contains("first_handler"))
  }

  /// To the init of a PID namespace abort() sends a signal that does nothing, and then faults: reports of both say
  /// so.
  @Test(arguments: programs) func abortAsInit(_ program: Program) throws {
    let scratch = try Scratch()
    func abort(_ settings: [String]) throws -> Outcome {
      try run(
        ["prlimit", "--core=0:", "--", "unshare", "--fork", "--pid", "--mount-proc", "env"]
          + settings + [try Places.native(program.path), "plain_abort"])
    }
    let outcome = try abort([
      "LD_PRELOAD=\(try Places.shim)", "INQUEST_CATCH=1", "INQUEST_DIR=\(scratch.path)",
    ])
    let alone = try abort([])
    #expect(outcome.status == alone.status && outcome.signal == alone.signal)
    let files = try scratch.contents().filter { $0.hasSuffix(".json") }
    let reports = try files.map { try Captured(outcome, bytes(of: scratch.file($0))).report }
    // musl has blocked all signals by then, and nobody is told of the fault.
    let isTold = program.path == "ways_to_die"
    let rules = reports.compactMap(\.diagnoses.first?.rule).sorted()
    #expect(rules == (isTold ? ["abort_by_instruction", "pid1_abort"] : ["pid1_abort"]))
    #expect(reports.allSatisfy { $0.process.isNamespaceInit == true && $0.crash.survives != true })
  }

  /// Rust has a handler of its own, which tells overflows and aborts, and sets the default action for all else.
  @Test(
    arguments: [
      ("null", "null_dereference", "rusty::read_null"),
      ("overflow", "stack_overflow", "rusty::descend"),
      ("panic", "rust_panic", "rusty::die"), ("bounds", "rust_panic", "rusty::sell"),
    ], [false, true])
  func rust(_ way: (name: String, rule: String, function: String), onThread: Bool) throws {
    let (outcome, reports) = try die("rusty", way.name, onThread: onThread)
    let alone = try die("rusty", way.name, onThread: onThread, preloaded: false)
    #expect(outcome.signal == alone.outcome.signal)
    let report = try #require(reports.first?.report)
    #expect(report.diagnoses.map(\.rule) == [way.rule])
    #expect(
      report.diagnoses.first?.summary.contains(way.function) == true, "\(report.diagnoses)")
    #expect(report.crashedThread?.stack?.kind == (onThread ? .thread : .main))
    #expect((report.crash.kind == .stackOverflow) == (way.name == "overflow"))
  }

  /// A program that runs out of memory, and whose collector has the limits that killed it.
  @Test func outOfMemory() throws {
    let (_, reports) = try die("dies", "memory", onThread: false)
    let report = try #require(reports.first?.report)
    #expect(report.crash.thrown?.type == "std::bad_alloc")
    #expect(report.diagnoses.map(\.rule) == ["uncaught_exception", "out_of_memory"])
    let detail = try #require(report.diagnoses.last?.detail)
    #expect(detail.contains("of 512 MiB (RLIMIT_AS)"), "\(detail)")
  }

  /// Every way that the programs know is in the table.
  @Test(arguments: programs) func tableIsComplete(_ program: Program) throws {
    let known = try output(of: [Places.native(program.path), "--list"]).split(separator: "\n")
    #expect(Set(known.map(String.init)) == Set(program.ways.map(\.name)))
    #expect(Set(program.ways.map(\.rule)).count >= 18)
    #expect(program.ways.count >= 30)
  }
}
