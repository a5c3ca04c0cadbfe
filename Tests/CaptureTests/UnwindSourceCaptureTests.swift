import Foundation
import Report
import TestSupport
import Testing

/// Real programs whose unwind information is not where it usually is, against gdb.
@Suite(.timeLimit(.minutes(5))) struct UnwindSourceCaptureTests {
  /// .eh_frame without a header; .debug_frame in the program, packed in both ways, and beside it.
  @Test(
    arguments: [
      "threads.no_header", "threads.debug_frame", "threads.packed", "threads.packed_old",
      "threads.separate",
    ]) func everyFrameByItsRules(program: String) throws
  {
    let fixture = try Fixture(program, "4", "20")
    let captured = try Captured(fixture.pid)
    #expect(captured.limitations("walk").isEmpty)
    let gdb = try returnAddressesOfGDB(fixture.pid)
    #expect(gdb.count == 5)
    for (id, addresses) in gdb {
      let thread = try #require(captured.thread(id))
      #expect(thread.endReason == .outermost)
      #expect(
        thread.frames.filter { $0.kind != .inlined }.dropFirst().allSatisfy { $0.trust == .cfi })
      expect(thread, has: addresses)
      #expect(id == fixture.pid || addresses.count > 20)
    }
    #expect(fixture.runs())
  }

  @Test func goroutines() throws {
    // The scheduler interrupts those that run with a signal now and then.
    let fixture = try Fixture("goroutines", environment: ["GODEBUG": "asyncpreemptoff=1"])
    let captured = try Captured(fixture.pid)
    let gdb = try returnAddressesOfGDB(fixture.pid)
    #expect(gdb.count >= 5)
    var levels = 0
    for (id, addresses) in gdb {
      let thread = try #require(captured.thread(id))
      #expect(thread.endReason == .outermost)
      #expect(
        thread.frames.filter { $0.kind != .inlined }.dropFirst().allSatisfy { $0.trust == .cfi })
      // Goroutines move between threads: those that are locked to one, or run, stay.
      let names = thread.functions
      levels += names.count { $0 == "main.level" }
      guard names.contains("main.level") else { continue }
      expect(thread, has: addresses)
      #expect(names.last?.hasPrefix("runtime.goexit") == true)
    }
    #expect(levels == 22, "two goroutines of eleven run")
  }

  /// Without symbols or .debug_frame, Go's frame pointers serve, up to the end that Go makes up.
  @Test func goroutinesOfAStrippedProgram() throws {
    let fixture = try Fixture(
      "goroutines.stripped", environment: ["GODEBUG": "asyncpreemptoff=1"])
    let report = try Captured(fixture.pid).report
    let running = report.threads.filter { thread in
      Dictionary(grouping: thread.frames, by: \.ip).contains { $0.value.count >= 9 }
    }
    #expect(running.count == 2)
    for thread in running {
      #expect(thread.endReason == .outermost)
      #expect(
        thread.frames.filter { $0.kind != .inlined }.dropFirst().allSatisfy {
          $0.trust == .framePointer
        })
    }
  }

  /// What is left to a scan: calls that lead to where we are come before what other calls have left behind.
  @Test func nothingToGoBy() throws {
    let fixture = try Fixture("no_tables")
    let thread = try #require(try Captured(fixture.pid).report.threads.first)
    let names = thread.functions
    let inner = try #require(names.firstIndex(of: "inner"))
    #expect(Array(names[inner...].prefix(4)) == ["inner", "middle", "outer", "main"])
    #expect(thread.frames[(inner + 1)...].prefix(3).allSatisfy { $0.trust == .scan })
    #expect(thread.complete)
  }

  @Test func insideTheVDSO() throws {
    let fixture = try Fixture("vdso")
    var inside = 0
    for _ in 0..<60 where inside < 5 {
      let report = try Captured(fixture.pid).report
      let thread = try #require(report.threads.first { $0.id != Int(fixture.pid) })
      #expect(thread.endReason == .outermost)
      #expect(thread.functions.suffix(4).prefix(2) == ["ask", "asker"])
      #expect(
        thread.frames.filter { $0.kind != .inlined }.dropFirst().allSatisfy { $0.trust == .cfi })
      if let module = thread.frames[0].module, report.modules[module].kind == .vdso { inside += 1 }
    }
    #expect(inside == 5)
  }

  /// The recipe of libunwind's #739, which unmaps memory of the collector: code in a file that is no ELF file.
  @Test func codeFromAFileThatIsNoELF() throws {
    let scratch = try Scratch()
    let fixture = try Fixture("mapped_code", environment: ["TMPDIR": scratch.path])
    let before = try fixture.beat()
    let captured = try Captured(fixture.pid)
    let thread = try #require(captured.report.threads.first { $0.id != Int(fixture.pid) })
    #expect(thread.functions.dropFirst().prefix(2) == ["call_mapped", "spinner"])
    #expect(thread.frames[1].trust == .framePointer)
    #expect(thread.complete)
    #expect(try fixture.goesOn(beyond: before))
  }

  /// An upgrade renames another file over the one that runs. Memory still has the right tables; what only the
  /// file could tell is not taken from another file.
  @Test(arguments: ["threads", "threads.no_header", "threads.debug_frame"])
  func aReplacedFile(program: String) throws {
    let scratch = try Scratch()
    let path = scratch.file("program")
    try copyProgram(program, to: path)
    let fixture = try Fixture(words: [path, "2", "5"])
    let other = scratch.file("other")
    try copyProgram("no_tables", to: other)
    #expect(rename(other, path) == 0)
    let captured = try Captured(fixture.pid)
    for thread in captured.report.threads where thread.id != Int(fixture.pid) {
      // The C library's own frames, whatever happens to those in between.
      #expect(thread.frames.last.map(\.trust) == .cfi)
      if program == "threads" {
        #expect(thread.frames.count > 8 && thread.endReason == .outermost)
        #expect(
          thread.frames.filter { $0.kind != .inlined }.dropFirst().allSatisfy { $0.trust == .cfi })
      }
    }
    #expect(fixture.runs())
  }

  /// The file is at a path that only the program sees.
  @Test(arguments: ["threads.no_header", "threads.debug_frame"])
  func anotherMountNamespace(program: String) throws {
    let scratch = try Scratch()
    let script = "mount -t tmpfs none \"$1\" && cp \"$2\" \"$1/program\" && exec \"$1/program\" 2 5"
    let fixture = try Fixture(
      words: [
        "unshare", "-m", "--map-root-user", "sh", "-c", script, "sh", scratch.path,
        Places.native(program),
      ])
    #expect(!FileManager.default.fileExists(atPath: scratch.file("program")))
    try expectLevels(fixture)
  }

  @Test(arguments: ["musl_hello.static"]) func anotherRoot(program: String) throws {
    let scratch = try Scratch()
    try copyProgram(program, to: scratch.file("program"))
    let fixture = try Fixture(
      words: ["unshare", "-r", "-R", scratch.path, "/program", "wait"])
    let captured = try Captured(fixture.pid)
    let main = try #require(captured.thread(fixture.pid))
    #expect(main.functions.contains("main"), "\(main.functions)")
    // That it has called main is said by main's unwind information only, which is in the file.
    let caller = try #require(main.functions.firstIndex(of: "main")) + 1
    #expect(main.frames[caller].trust == .cfi)
  }

  /// Not by ourselves: another test may just be starting a program, which would hold the copy open for writing,
  /// and what is open for writing cannot be executed.
  private func copyProgram(_ name: String, to path: String) throws {
    _ = try output(of: ["cp", Places.native(name), path])
  }

  /// All of gdb's frames without a gap, and none inside of them but where the thread stands.
  private func expect(
    _ thread: ThreadRecord, has addresses: [UInt64], at location: SourceLocation = #_sourceLocation
  ) {
    let ours = thread.frames.map(\.ip.value)
    let first = addresses.first.flatMap { ours.firstIndex(of: $0) } ?? ours.count
    #expect(first <= 2, "\(thread.functions)", sourceLocation: location)
    #expect(
      ours[first...].prefix(addresses.count) == addresses[...], "\(thread.functions)",
      sourceLocation: location)
  }

  private func expectLevels(_ fixture: Fixture) throws {
    let captured = try Captured(fixture.pid)
    #expect(captured.report.threads.count == 3)
    for thread in captured.report.threads where thread.id != Int(fixture.pid) {
      #expect(
        thread.frames.filter { $0.kind != .inlined }.dropFirst().allSatisfy { $0.trust == .cfi })
      #expect(thread.functions.filter { $0.hasPrefix("level_") }.count == 6)
      #expect(thread.endReason == .outermost)
    }
  }
}
