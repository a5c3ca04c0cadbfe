import Foundation
import Report
import TestSupport
import Testing

/// `inquest capture` of real programs, against what eu-stack and gdb see of them.
@Suite(.timeLimit(.minutes(5))) struct LiveCaptureTests {
  /// glibc has several names for many addresses, and versions after an @.
  private func same(_ one: String, _ other: String) -> Bool {
    func plain(_ name: String) -> Substring {
      name.split(separator: "@").first.map { $0.drop { $0 == "_" } } ?? ""
    }
    let (one, other) = (plain(one), plain(other))
    return one == other || one.hasSuffix(other) || other.hasSuffix(one)
  }

  /// One of them stops the process first, and the others wait for their turn.
  @Test func capturesAtTheSameTimeAreAllWhole() throws {
    let fixture = try Fixture("threads", "200", "5")
    let several = try (0..<6).map { _ in
      try Child([Places.inquest, "capture", "\(fixture.pid)", "-o", "-", "--no-symbols"])
    }
    for one in several {
      let outcome = try one.finish()
      let captured = try Captured(outcome, outcome.output)
      #expect(captured.outcome.status == 0, "\(captured.report.limitations)")
      #expect(captured.report.threads.count == 201)
    }
    #expect(try fixture.goesOn(beyond: try fixture.beat()))
  }

  /// Field bug 18. What a debugger holds cannot be stopped, and needs not be: its memory can be read, and the
  /// kernel tells where each thread is.
  @Test func aProcessUnderADebuggerIsReadAllTheSame() throws {
    let fixture = try Fixture("threads", "6", "5")
    let debugger = try Child(
      ["gdb", "-nx", "-q", "-p", "\(fixture.pid)", "-ex", "set debuginfod enabled off"])
    // Until it has all of them, a thread may be ours to stop.
    #expect(eventually(20) { fixture.states.values.allSatisfy { $0 == "t" } })
    let captured = try Captured(fixture.pid)
    #expect(captured.outcome.status == 3)
    debugger.send("detach\nquit\n")
    _ = try debugger.finish()
    let report = captured.report
    #expect(!report.report.complete && report.report.timing.frozenMS == 0)
    #expect(report.threads.count == 7 && report.threads.allSatisfy { $0.registers == nil })
    #expect(report.limitations.count == 1, "not one for every thread")
    let limitation = try #require(report.limitations.first)
    #expect(limitation.problem.contains("process \(debugger.pid)"))
    #expect(limitation.remedy == "end the debugger first")
    for thread in report.threads where thread.id != Int(fixture.pid) {
      let levels = thread.functions.filter { $0.hasPrefix("level_") && $0 != "level_end" }
      #expect(levels == (1...5).reversed().map { "level_\($0)" }, "\(thread.name ?? "")")
    }
    #expect(try fixture.goesOn(beyond: try fixture.beat()))
  }

  @Test func everyThreadAndEveryFrame() throws {
    let fixture = try Fixture("threads", "64", "50")
    let before = try fixture.beat()
    let captured = try Captured(fixture.pid)
    #expect(captured.outcome.status == 0, "\(captured.outcome.errors)")
    let report = captured.report
    #expect(report.report.complete && report.report.trigger == .manual)
    #expect(report.crash.kind == .none)
    #expect(report.threads.count == 65)
    #expect(report.limitations.isEmpty)
    #expect(try #require(report.report.timing.frozenMS) < 200)

    let elfutils = try stacksOfElfutils(fixture.pid)
    #expect(Set(elfutils.keys) == Set(report.threads.map { Int32($0.id) }))
    for (id, expected) in elfutils {
      let thread = try #require(captured.thread(id))
      #expect(thread.complete && thread.endReason == .outermost)
      #expect(thread.frameCount == thread.frames.count { $0.kind != .inlined })
      let levels = thread.functions.filter { $0.hasPrefix("level_") && $0 != "level_end" }
      if id != fixture.pid { #expect(levels == (1...50).reversed().map { "level_\($0)" }) }
      let frames = thread.frames.filter { $0.kind != .inlined }
      #expect(frames.count == expected.count, "thread \(id)")
      for (frame, name) in zip(frames, expected) where name != "?" {
        let function = frame.rawFunction ?? frame.function ?? "?"
        #expect(same(function, name), "\(function), not \(name), in thread \(id)")
      }
    }
    let names = Set(report.threads.compactMap { $0.name })
    #expect(names.isSuperset(of: ["threads", "futex-0", "nanosleep-1", "poll-2", "read-3"]))
    expectLocated(report)
    #expect(fixture.runs())
    #expect(try fixture.goesOn(beyond: before))
  }

  @Test func gdbSeesTheSame() throws {
    let fixture = try Fixture("threads", "8", "20")
    let captured = try Captured(fixture.pid)
    let gdb = try stacksOfGDB(fixture.pid)
    #expect(gdb.count == 9)
    for (id, expected) in gdb {
      let thread = try #require(captured.thread(id))
      // gdb stops at main.
      let ours = thread.functions.filter { $0.hasPrefix("level_") || $0.hasPrefix("block_") }
      let theirs = expected.filter { $0.hasPrefix("level_") || $0.hasPrefix("block_") }
      #expect(ours == theirs)
      #expect(id == fixture.pid || ours.count >= 21)
    }
  }

  /// Issue 2: at least 95 % of native frames have a module and an offset, and all that have a symbol in
  /// the file have its name.
  private func expectLocated(_ report: Report) {
    let frames = report.threads.flatMap(\.allFrames).filter { $0.kind == .native }
    let located = frames.count { $0.module != nil && $0.moduleOffset != nil }
    #expect(located * 100 >= frames.count * 95, "\(located) of \(frames.count)")
    let named = frames.count { $0.function != nil }
    #expect(named * 100 >= frames.count * 95, "\(named) of \(frames.count)")
    for frame in frames {
      guard let index = frame.module else { continue }
      let module = report.modules[index]
      #expect(module.base.value + (frame.moduleOffset?.value ?? 0) == frame.ip.value)
      if frame.function != nil { #expect(frame.functionOffset != nil) }
    }
  }

  /// Without its symbols, the program's own frames still have module and offset: enough to name them
  /// later, by the file that was not stripped.
  @Test func aStrippedProgramCanBeNamedLater() throws {
    let fixture = try Fixture("threads.stripped", "4", "10")
    let captured = try Captured(fixture.pid)
    let own = try #require(
      captured.report.modules.firstIndex { $0.path.hasSuffix("/threads.stripped") })
    let thread = try #require(captured.report.threads.first { $0.name == "futex-0" })
    let frames = thread.frames.filter { $0.module == own }
    #expect(frames.count == 13)
    #expect(frames.allSatisfy { $0.function == nil && $0.moduleOffset != nil && $0.trust == .cfi })
    let id = try output(of: ["readelf", "-n", Places.native("threads.stripped")])
    #expect(id.contains("Build ID: \(captured.report.modules[own].buildID ?? "none")"))
  }

  @Test func aDeletedProgramHasItsNames() throws {
    let scratch = try Scratch()
    let fixture = try Fixture("deleted", environment: ["TMPDIR": scratch.path])
    let captured = try Captured(fixture.pid)
    #expect(captured.report.modules.contains { $0.deleted == true && $0.buildID != nil })
    let thread = try #require(captured.report.threads.first)
    #expect(thread.functions.contains("run_deleted") && thread.functions.contains("main"))
    #expect(thread.complete)
  }

  @Test(arguments: ["names", "names.stripped"]) func namesOfCXX(program: String) throws {
    let fixture = try Fixture(program)
    let thread = try #require(try Captured(fixture.pid).report.threads.first)
    #expect(thread.complete)
    guard program == "names" else { return }
    let names = thread.frames.compactMap(\.function)
    let from = try #require(names.firstIndex { $0.hasPrefix("shop::(anonymous namespace)::wait(") })
    let expected = [
      "shop::(anonymous namespace)::wait(std::map<", "shop::Basket<int, 3>::operator+=(int)",
      "shop::Price::operator double() const", "shop::Order::Order(std::", "double shop::apply<",
      "shop::Order::Order(std::", "main",
    ]
    for (name, start) in zip(names[from...], expected) {
      #expect(name.hasPrefix(start), "\(name), not \(start)…")
    }
    #expect(names[from + 3].contains("{lambda("))
    let raw = thread.frames.compactMap(\.rawFunction)
    #expect(raw.contains { $0.hasPrefix("_ZN4shop5OrderC") })
    #expect(raw.count >= 6)
  }

  @Test func codeWithoutUnwindInformationIsCrossedByFramePointer() throws {
    let fixture = try Fixture("no_cfi")
    let thread = try #require(try Captured(fixture.pid).report.threads.first)
    let names = thread.functions
    let inner = try #require(names.firstIndex(of: "inner"))
    #expect(Array(names[inner...].prefix(4)) == ["inner", "middle", "outer", "main"])
    // The step out of middle is the one that needed the frame pointer.
    #expect(thread.frames[inner + 1].trust == .cfi)
    #expect(thread.frames[inner + 2].trust == .framePointer)
    #expect(thread.complete)
  }

  @Test func aSignalFrameOnAnAlternateStack() throws {
    for (mode, number) in [("segv", "fault"), ("usr1", "send")] {
      let fixture = try Fixture("signal_frame", mode)
      let thread = try #require(try Captured(fixture.pid).report.threads.first)
      let names = thread.functions
      let handler = try #require(names.firstIndex(of: "wait_in_handler"))
      #expect(names[handler + 1] == "handler")
      #expect(thread.frames[handler + 2].signalFrame == true)
      #expect(names.contains(number) && names.contains("main"), "\(names)")
      #expect(thread.complete)
      let fault = thread.frames[handler + 3]
      #expect(fault.trust == .context)
      #expect(mode == "usr1" || fault.function == "fault")
      // It stands on the alternate stack; what was interrupted does not.
      #expect(thread.stack?.kind == .alternate)
      #expect(thread.frames[handler].stack == nil)
      #expect(fault.stack == .main)
    }
  }

  @Test func aCallOfNullKeepsItsCaller() throws {
    let fixture = try Fixture("null_call")
    let thread = try #require(try Captured(fixture.pid).report.threads.first)
    let names = thread.functions
    let caller = try #require(names.firstIndex(of: "caller_of_null"))
    #expect(thread.frames[caller - 1].ip == 0)
    #expect(names[caller + 1] == "main")
    #expect(thread.complete)
  }

  @Test func aStackOf100000FramesIsCountedAndBounded() throws {
    let fixture = try Fixture("deep", "100000")
    let captured = try Captured(fixture.pid)
    let thread = try #require(captured.report.threads.first)
    let recursion = 100_000
    #expect(thread.frameCount == recursion + (try othersThanRecursion(thread)))
    #expect(thread.frames.count < 1000)
    #expect(thread.functions.last?.contains("start") == true, "the outermost frames are kept")
    #expect(thread.functions.contains("bottom"), "the innermost frames are kept")
    #expect(thread.complete)
    let repeated = try #require(thread.frames.compactMap(\.repeated).first)
    #expect(repeated.frames == 1)
    let listed = thread.frames.count { $0.kind != .inlined }
    #expect(listed - 1 + repeated.times == thread.frameCount, "nothing is left out")
    #expect(captured.limitations("walk").isEmpty)
    #expect(captured.outcome.seconds < 10)
  }

  @Test(arguments: [("threads", ["64", "50"]), ("deep", ["100000"])])
  func memoryIsBounded(program: String, arguments: [String]) throws {
    let fixture = try Fixture(words: [Places.native(program)] + arguments)
    let (outcome, peak) = try measure(
      [Places.inquest, "capture", "\(fixture.pid)", "-o", "/dev/null"])
    #expect(outcome.status == 0, "\(outcome)")
    #expect(peak < 64 << 20, "\(peak) bytes")
    print("peak memory for \(program): \(peak >> 20) MiB")
  }

  /// Frames that are not `recurse`: those at both ends.
  private func othersThanRecursion(_ thread: ThreadRecord) throws -> Int {
    thread.frames.count { $0.kind != .inlined && $0.function != "recurse" }
  }

  @Test(arguments: ["musl_hello", "musl_hello.static"]) func anotherCLibrary(program: String) throws
  {
    let fixture = try Fixture(program, "wait")
    let captured = try Captured(fixture.pid)
    #expect(captured.report.threads.count == 2)
    let main = try #require(captured.thread(fixture.pid))
    #expect(main.functions.contains("main"), "\(main.functions)")
    let sleeper = try #require(captured.report.threads.first { $0.id != Int(fixture.pid) })
    #expect(sleeper.functions.contains("sleeper"), "\(sleeper.functions)")
  }

  @Test func aProgramThatIsNotDumpable() throws {
    let fixture = try Fixture("nondumpable")
    let thread = try #require(try Captured(fixture.pid).report.threads.first)
    #expect(thread.functions.contains("main"))
  }

  @Test func aStoppedProgramStaysStopped() throws {
    let fixture = try Fixture("stopped")
    #expect(eventually(3) { fixture.states[fixture.pid] == "T" })
    let captured = try Captured(fixture.pid)
    #expect(captured.report.threads.first?.state == "stopped")
    #expect(captured.report.threads.first?.functions.contains("stop") == true)
    #expect(eventually(2) { fixture.states[fixture.pid] == "T" })
  }

  @Test func aZombieLeaderAndAVforkParentAreExplained() throws {
    let zombie = try Fixture("zombie_leader")
    var captured = try Captured(zombie.pid)
    let names = captured.report.threads.flatMap(\.functions)
    #expect(names.contains("survivor") && names.contains("sleeper"), "\(names)")
    #expect(captured.thread(zombie.pid)?.frames.isEmpty == true)
    #expect(captured.limitations("freeze").map(\.threadID) == [Int(zombie.pid)])
    #expect(try zombie.goesOn(beyond: try zombie.beat()))

    let vfork = try Fixture("vfork_parent")
    captured = try Captured(vfork.pid)
    #expect(captured.report.threads.flatMap(\.functions).contains("survivor"))
    #expect(captured.limitations("freeze").map(\.threadID) == [Int(vfork.pid)])
    #expect(try vfork.goesOn(beyond: try vfork.beat()))
  }
}
