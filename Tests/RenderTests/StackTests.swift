import Render
import Report
import Testing

@Suite struct StackTests {
  @Test func `the fault is the first frame and is marked`() throws {
    let lines = render(
      Samples.crashed([
        Samples.frame("boom") { $0.functionOffset = 0x1a }, Samples.frame("main"),
      ]))
    let fault = try #require(lines.line("boom"))
    #expect(lines[fault] == "→  0  boom + 0x1a  in libc.so.6")
    #expect(lines[fault + 1] == "   1  main  in libc.so.6")
  }

  @Test func `plumbing is folded, but never at the fault`() throws {
    let frames =
      [Samples.managed("App.Boom")] + Samples.plumbing(7) + [Samples.frame("host", module: nil)]
    let lines = render(Samples.crashed(frames))
    let fold = try #require(lines.line("… 7 frames folded (libc.so.6)"))
    #expect(lines[fold - 1].contains("App.Boom"))
    #expect(lines[fold + 1].contains(" 8  host"), "numbers count folded frames")
    #expect(!lines.has("runtime_3"))

    let all = render(Samples.crashed(frames)) { $0.allThreads = true }
    #expect(all.has("runtime_3") && !all.has("folded"))

    let first = render(Samples.crashed(Samples.plumbing(3)))
    #expect(first.has("→  0  runtime_0"))
    #expect(first.has("… 2 frames folded"))
  }

  @Test func `a fold names whose frames it holds, and nothing else`() {
    let catchBlock = Samples.method("Shop.Pay", in: "Shop.dll", module: 1)
    let folded = [Samples.frame("dispatch", module: 2), catchBlock].map { frame in
      var frame = frame
      frame.plumbing = true
      return frame
    }
    let frames =
      [Samples.method("Shop.Wrap", in: "Shop.dll", module: 1)] + folded
      + [Samples.method("Web.Main", in: "Web.dll", module: 1)]
    let lines = render(
      Samples.crashed(
        frames,
        modules: [
          Samples.libc, Samples.module("memfd:doublemapper", kind: .jit, at: 1),
          Samples.module("/net/libcoreclr.so", at: 2),
        ]))
    #expect(lines.has("… 2 frames folded (libcoreclr.so, Shop.dll)"))
  }

  @Test func `what the machine does below the last method is folded`() throws {
    let frames = [
      Samples.frame("memcpy"), Samples.method("App.Main", in: "App.dll"),
      Samples.frame(module: 1), Samples.frame("host_main", module: 1),
      Samples.frame(module: 1), Samples.frame("__libc_start_main"),
    ]
    let modules = [Samples.libc, Samples.module("/srv/app", at: 0x7f60_0000_0000)]
    let lines = render(Samples.crashed(frames, modules: modules))
    let fault = try #require(lines.line("→  0  memcpy"), "the fault stays, whatever it is")
    #expect(lines[fault + 1].contains("App.Main"))
    #expect(lines[fault + 2].hasSuffix("… 1 frame folded (app)"))
    #expect(lines[fault + 3].contains("3  host_main"), "a function with a name may tell something")
    #expect(lines[fault + 4].hasSuffix("… 2 frames folded (app, libc.so.6)"))
  }

  @Test func `crash handling above the fault takes one line`() throws {
    var report = Samples.crashed([Samples.frame("boom")])
    report.threads[0].handlerFrames = (0..<12).map { Samples.frame("handler_\($0)") }
    let lines = render(report)
    let fold = try #require(
      lines.line("… 12 frames of crash handling above the fault; --all-threads shows them"))
    #expect(lines[fold + 1].contains("boom"))
    #expect(!lines.has("handler_3"))
    let all = render(report) { $0.allThreads = true }
    #expect(try #require(all.line("handler_11")) < #require(all.line("boom")))
  }

  @Test func `a native frame without a name has module and offset`() {
    let lines = render(
      Samples.crashed([Samples.frame(ip: 0x7f00_0000_2f1b), Samples.frame(ip: 0x99, module: nil)]))
    #expect(lines.has("0  0x7f0000002f1b  in libc.so.6 + 0x2f1b"))
    #expect(lines.has("1  0x99  in no module"))
  }

  @Test func `unnamed managed frames in a row are one line`() throws {
    func unnamed(_ ip: UInt64) -> Frame { Samples.frame(ip: ip, kind: .managed, module: 1) }
    let frames = [
      Samples.frame("boom"), unnamed(1), unnamed(2), unnamed(3), Samples.frame("native"),
      unnamed(4), Samples.frame("main"),
    ]
    let report = Samples.crashed(frames, modules: [Samples.libc, Samples.app])
    let lines = render(report)
    let fold = try #require(lines.line("… 3 managed frames without a name (app.dll)"))
    #expect(lines[fold + 1].contains(" 4  native"))
    #expect(lines[fold + 2].contains("app.dll + 0x4"), "one alone keeps its address")
    #expect(lines[fold + 2].contains("managed code without a name"))
    #expect(!render(report) { $0.allThreads = true }.has("3 managed frames"))
  }

  @Test func `a jump to where no code is is no managed frame`() {
    let frames = [Samples.frame("boom")] + (1...3).map { Samples.frame(ip: $0, module: nil) }
    var report = Samples.crashed(frames)
    report.runtime = RuntimeRecord(version: nil, commit: nil, path: "/x", inspection: .failed)
    #expect(!render(report).has("managed frames"))
    #expect(render(report).has("in no module"))
  }

  @Test func `trust is shown where it is weak`() {
    func line(_ trust: Frame.Trust) -> String {
      render(Samples.crashed([Samples.frame("f", trust: trust)])).first { $0.contains("→") } ?? ""
    }
    for trust in [Frame.Trust.context, .cfi, .runtime] {
      #expect(line(trust) == "→  0  f  in libc.so.6")
    }
    #expect(line(.framePointer).hasSuffix("(frame pointer)"))
    #expect(line(.scan).hasSuffix("(scan: may be wrong)"))
  }

  @Test func `inlined calls, repetitions and other stacks are marked`() throws {
    let frames = [
      Samples.frame("leaf", kind: .inlined), Samples.frame("outer"),
      Samples.frame("even") { $0.repeated = .init(frames: 2, times: 10_482) },
      Samples.frame("odd"), Samples.frame("main"),
    ]
    let lines = render(Samples.crashed(frames))
    #expect(lines.has("leaf  in libc.so.6  inlined"))
    let mark = try #require(lines.line("↺ the 2 frames above, 10,482 times in all"))
    #expect(lines[mark - 1].contains("odd"))
    #expect(lines[mark + 1].contains("20966  main"), "numbers count repetitions")

    let pivot = [
      Samples.frame("handler") { $0.stack = .alternate }, Samples.frame("faulting"),
      Samples.frame("coroutine") { $0.stack = .custom },
    ]
    let walk = render(Samples.crashed(pivot))
    #expect(try #require(walk.line("on the thread's own stack")) < #require(walk.line("faulting")))
    #expect(try #require(walk.line("on a custom stack")) < #require(walk.line("coroutine")))
  }

  @Test func `inlined calls are no frames of the count`() {
    let frames = [
      Samples.frame("leaf", kind: .inlined) { $0.stack = .alternate },
      Samples.frame("handler") { $0.stack = .alternate },
      Samples.frame("step", kind: .inlined) { $0.repeated = .init(frames: 2, times: 100) },
      Samples.frame("recurse"), Samples.frame("main"),
    ]
    func render(count: Int) -> [String] {
      var report = Samples.crashed(frames)
      report.threads[0].frameCount = count
      return RenderTests.render(report)
    }
    let whole = render(count: 102)
    #expect(!whole.has("not in the report"))
    #expect(whole.has("↺ the 2 frames above, 100 times in all"))
    #expect(whole.count { $0.contains("own stack") } == 1)
    #expect(render(count: 105).has("3 frames of this stack not in the report"))
  }

  @Test func `both ends of a deep stack are kept`() throws {
    let frames = (0..<500).map { Samples.frame("f\($0)_", ip: UInt64($0)) }
    let lines = render(Samples.crashed(frames))
    #expect(lines.has("f0_") && lines.has("f39_") && lines.has("f488_") && lines.has("f499_"))
    #expect(!lines.has("f40_") && !lines.has("f487_"))
    #expect(lines.has("… 448 more frames"))
    #expect(render(Samples.crashed(frames)) { $0.allThreads = true }.has("f250_"))
  }

  @Test func `a stack that ends early says why`() {
    var report = Samples.crashed([Samples.frame("boom")])
    #expect(!render(report).has("the stack goes on"))
    report.threads[0].complete = false
    report.threads[0].endReason = .noUnwindInformation
    report.threads[0].handlerFrames = [Samples.frame("wait4"), Samples.frame("trampoline")]
    report.threads[0].frameCount = 8
    #expect(
      render(report) { $0.width = 140 }.has(
        "the stack goes on, but not here: no unwind information for the next frame; "
          + "7 frames not in the report"), "what is listed is there")
    report.threads[0].frames = []
    #expect(render(report).has("no frames: no unwind information for the next frame"))
  }

  @Test func `source lines are shown where the file exists`() throws {
    let frames = [
      Samples.frame("boom") {
        $0.file = "/src/a.c"
        $0.line = 3
      },
      Samples.frame("gone") {
        $0.file = "/src/gone.c"
        $0.line = 3
      },
      Samples.frame("late") {
        $0.file = "/src/a.c"
        $0.line = 99
      },
    ]
    let lines = render(Samples.crashed(frames)) {
      $0.source = { $0 == "/src/a.c" ? ["one", "two", "\tthree\u{1b}[31m", "four"] : nil }
    }
    let fault = try #require(lines.line("boom"))
    #expect(lines[fault].hasSuffix("at /src/a.c:3"))
    #expect(lines[fault + 1].hasSuffix("  1 one"))
    #expect(lines[fault + 3].hasSuffix("> 3     three\\u{1b}[31m"))
    #expect(lines[fault + 4].hasSuffix("  4 four"))
    #expect(lines[fault + 5].contains("gone"))
    #expect(lines[fault + 6].contains("late"), "a line beyond the file's end shows nothing")
  }

  @Test func `lines of a file that was changed since are not shown`() {
    let frames = (1...2).map { (line: Int) in
      Samples.frame("f\(line)") { ($0.file, $0.line) = ("/src/a.cs", line) }
    }
    let lines = render(Samples.crashed(frames)) {
      $0.source = { _ in ["wrong", "false"] }
      $0.isNewer = { $0 == "/src/a.cs" && $1 == "2026-11-21T03:25:12Z" }
    }
    #expect(lines.count("(a.cs has changed since; its lines are not shown)") == 1)
    #expect(!lines.has("wrong") && !lines.has("false"))
  }

  @Test func `bytes into a function are left out where there is a line`() {
    let frames = [
      Samples.frame("f") { ($0.file, $0.line, $0.functionOffset) = ("/a.cs", 7, 0x1a) }
    ]
    #expect(render(Samples.crashed(frames)).has("→  0  f  in libc.so.6  at /a.cs:7"))
    #expect(render(Samples.crashed(frames)) { $0.allThreads = true }.has("f + 0x1a"))
  }

  @Test func `a cut stands for what is folded beside it, and never for one line`() throws {
    func others(_ frames: [Frame]) -> [String] {
      var report = Samples.crashed([Samples.frame("boom")])
      report.threads.append(Samples.thread(7, frames))
      let lines = render(report)
      return Array(lines[(lines.line("Thread 7") ?? 0)...].dropFirst())
    }
    func named(_ count: Int, _ name: String = "f") -> [Frame] {
      (0..<count).map { Samples.frame("\(name)\($0)", module: nil) }
    }
    let before = others(named(5) + Samples.plumbing(3) + named(9, "g"))
    #expect(before[4].contains("f4") && before[5].hasSuffix("… 12 more frames"))
    #expect(before[6].isEmpty)
    let behind = render(Samples.crashed(named(60) + Samples.plumbing(3) + named(11, "g")))
    #expect(behind.has("… 23 more frames") && !behind.has("folded"))
    var cycle = named(1, "cycle")
    cycle[0].repeated = .init(frames: 1, times: 9)
    let one = others(named(6) + cycle + named(9, "g"))
    #expect(one[6].contains("cycle0") && one[7].contains("↺"), "a line for a line is no gain")
    let after = others(
      (0..<20).map { Samples.method("System.F\($0)", in: "System.dll") }
        + [Samples.method("Shop.Run", in: "Shop.dll")] + Samples.plumbing(3) + named(9, "g"))
    #expect(after[10].hasSuffix("… 10 more frames") && after[11].contains("Shop.Run"))
    #expect(after[12].hasSuffix("… 3 frames folded (libc.so.6)") && after[13].contains("g0"))
    #expect(after[15].hasSuffix("… 7 more frames"))
  }

  @Test func `an assembly without a name gives way to its file`() {
    let frame = Samples.method("System.Run", in: "", module: 0)
    #expect(render(Samples.crashed([frame], modules: [Samples.app])).has("System.Run  in app.dll"))
  }

  @Test func `the program's own frames and a repetition's count survive the cut`() throws {
    func deep(_ name: String, _ count: Int) -> [Frame] {
      (0..<count).map { Samples.method("System.\(name)\($0).Run", in: "System.Net.dll") }
    }
    var cycle = deep("Ping", 3)
    cycle[0].repeated = .init(frames: 3, times: 5000)
    let frames =
      deep("Top", 60) + [Samples.method("Shop.Pay", in: "Shop.dll")] + deep("Middle", 60) + cycle
      + deep("Root", 40)
    let lines = render(Samples.crashed(frames))
    let own = try #require(lines.line("60  Shop.Pay"))
    #expect(lines[own - 1].hasSuffix("… 20 more frames"))
    #expect(lines[own + 3].contains("System.Middle2.Run"), "and some that led there")
    #expect(lines.has("↺ the 3 frames above, 5,000 times in all"))
  }

  @Test func `a long path gives way to its last part`() {
    let frames = [
      Samples.frame("boom") {
        $0.file = "/very/long/" + String(repeating: "directory/", count: 10) + "a.c"
        $0.line = 7
      }
    ]
    #expect(render(Samples.crashed(frames)).has("boom  in libc.so.6  at a.c:7"))
    #expect(!render(Samples.crashed(frames)) { $0.width = 200 }.has("at a.c:7"))
  }
}
