import Foundation
import Report
import TestSupport
import Testing

/// examples/altstack-pivot: handlers that leave the alternate stack and never return.
@Suite(.timeLimit(.minutes(5))) struct AltstackPivotTests {
  // MARK: What the platform does

  @Test(arguments: ExampleRun.Libc.allCases, ExampleRun.Help.allCases)
  func thisPlatformIsLikeLinux(libc: ExampleRun.Libc, help: ExampleRun.Help) throws {
    let program = try Places.example("altstack-pivot", "altstack-pivot" + libc.rawValue)
    let run = try ExampleRun([program, "detect", "10000"], help)
    let lines = run.outcome.text.split(separator: "\n")
    #expect(run.outcome.status == 0, "\(run.outcome)")
    #expect(
      lines.last
        == "this platform starts each signal at the top of the alternate stack: like Linux")
    #expect(lines.contains("signals that started at the top of the alternate stack: 10000"))
    #expect(run.outcome.errors.isEmpty && run.reports.isEmpty)
  }

  /// With SS_AUTODISARM the kernel does forget the stack, and the detector has to notice.
  @Test(arguments: ExampleRun.Libc.allCases) func anotherPlatformIsNoticed(
    libc: ExampleRun.Libc
  ) throws {
    let program = try Places.example("altstack-pivot", "altstack-pivot" + libc.rawValue)
    let plain = try ExampleRun([program, "detect", "1000", "--autodisarm"], .none)
    let lines = plain.outcome.text.split(separator: "\n")
    #expect(plain.outcome.status == 1)
    #expect(lines.last?.hasSuffix(": unlike Linux") == true, "\(plain.outcome)")
    #expect(lines.contains("elsewhere on it: 0, on the stack that faulted: 999"))
    let caught = try ExampleRun([program, "detect", "1000", "--autodisarm"], .catching)
    #expect(caught.behaviour == plain.behaviour)
  }

  // MARK: CoreCLR

  @Test(arguments: ["8.0.4", "3.1.23"], ["unhandled", "native"])
  func tenThousandNullReferences(version: String, end: String) throws {
    let dotnet = "\(Places.runtimes)/\(version)/dotnet"
    let words = [
      dotnet, try Places.example("altstack-pivot", "NullReferences.dll"), end, "10000",
    ]
    let plain = try ExampleRun(words, .none, timeout: 60)
    #expect(plain.outcome.signal == (end == "native" ? SIGSEGV : SIGABRT), "\(plain.outcome)")
    #expect(plain.outcome.text == "10000 null references caught\n")
    for help in [ExampleRun.Help.preloaded, .catching] {
      let ours = try ExampleRun(words, help, timeout: 60)
      #expect(ours.behaviour == plain.behaviour)
      #expect(ours.reports.count == 1)
      let report = try #require(ours.reports.first?.report)
      #expect(report.crash.kind == (end == "native" ? .nativeFault : .managedException))
      let thread = try #require(report.threads.first { $0.crashed })
      #expect(thread.functions.contains("NullReferences.Main"))
      #expect(thread.functions.contains("NullReferences.ValueOf") == (end == "unhandled"))
    }
  }

  /// `make example-altstack-pivot`.
  @Test func showsAllOfIt() throws {
    let scratch = try Scratch()
    let outcome = try Example(name: "altstack-pivot").runAll(in: scratch, timeout: 60)
    #expect(outcome.status == 0, "\(outcome)")
    let statuses = outcome.text.split(separator: "\n").filter { $0.hasPrefix("(exit status ") }
    #expect(statuses.map { $0.filter(\.isNumber) } == ["0", "1", "134", "134", "132", "132"])
    #expect(outcome.text.components(separatedBy: "fail_check  in altstack-pivot").count == 3)
  }

  // MARK: Reports of a crash in such a handler

  struct Death: Sendable, CustomTestStringConvertible {
    var mode: String
    var onThread: Bool
    var libc: ExampleRun.Libc

    var testDescription: String { words.joined(separator: " ") + libc.rawValue }
    var words: [String] { [mode] + (onThread ? ["--thread"] : []) }
    var isAfterPivot: Bool { mode == "crash-after-pivot" }
    /// From the failed check to the thread's own work, as the source has them; nil for the trampoline.
    var story: [String?] {
      ["fail_check", isAfterPivot ? "handle_on_faulting_stack" : "handle", nil, "fault", "crash"]
    }

    static let all = ["crash-after-pivot", "crash-on-alternate"].flatMap { mode in
      [false, true].flatMap { onThread in
        ExampleRun.Libc.allCases.map { Death(mode: mode, onThread: onThread, libc: $0) }
      }
    }
  }

  @Test(arguments: Death.all) func eachFrameIsOnItsStack(death: Death) throws {
    let program = try Places.example("altstack-pivot", "altstack-pivot" + death.libc.rawValue)
    let run = try ExampleRun([program] + death.words, .catching)
    #expect(run.outcome.signal == SIGILL)
    let alternate = try bounds("alternate stack", in: run.outcome.text)
    let captured = try #require(run.reports.first)
    #expect(run.reports.count == 1 && captured.report.crash.signal?.name == "SIGILL")
    #expect(captured.report.diagnoses.map(\.rule) == ["trap_instruction", "fault_in_handler"])
    let thread = try #require(captured.report.threads.first { $0.crashed })
    #expect((thread.id == captured.report.process.pid) == !death.onThread)

    // Whoever catches the signal does so on the alternate stack: its top again, or below the first handler.
    let frames = thread.frames, handler = try #require(thread.handlerFrames)
    #expect(handler.last?.signalFrame == true)
    let story = frames.prefix(death.story.count)
    #expect(story.map { $0.signalFrame == true ? nil : $0.function } == death.story)
    // Where each stack pointer lies is the program's own word.
    for frame in handler + frames {
      let isInside = alternate.start <= frame.sp.value && frame.sp.value < alternate.end
      let kind = frame.stack ?? thread.stack?.kind
      #expect((kind == .alternate) == isInside, "\(frame)")
      if !isInside { #expect(kind == (death.onThread ? .thread : .main), "\(frame)") }
    }
    let isOnAlternate = story.map { ($0.stack ?? thread.stack?.kind) == .alternate }
    let first = !death.isAfterPivot
    #expect(isOnAlternate == [first, first, first, false, false])
    if death.onThread {
      #expect(!thread.functions.contains("main"))
    } else {
      #expect(frames.count > 5 && frames[5].function == "main" && frames[5].stack != .alternate)
    }
    let known = [thread.stack].compactMap(\.self) + (thread.stacks ?? [])
    #expect(
      known.contains {
        $0.kind == .alternate && $0.start.value == alternate.start && $0.end.value == alternate.end
      }, "\(known)")
  }

  /// gdb, without us, walks the same way; not across musl's trampoline, which has no unwind information.
  @Test(arguments: Death.all.filter { $0.libc == .glibc }) func gdbSeesTheSame(death: Death) throws
  {
    let program = try Places.example("altstack-pivot", "altstack-pivot" + death.libc.rawValue)
    let commands = [
      "set debuginfod enabled off", "handle SIGSEGV nostop noprint pass", "run", "bt",
    ]
    let outcome = try TestSupport.run(
      ["gdb", "-nx", "-q", "-batch"] + commands.flatMap { ["-ex", $0] } + ["--args", program]
        + death.words)
    let frames = outcome.text.split(separator: "\n").filter { $0.hasPrefix("#") }
    #expect(frames.count >= death.story.count, "\(outcome)")
    for (frame, name) in zip(frames, death.story) {
      #expect(frame.contains(name.map { $0 + " (" } ?? "<signal handler called>"), "\(frame)")
    }
  }
}
