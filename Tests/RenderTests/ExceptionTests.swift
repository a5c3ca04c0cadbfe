import Render
import Report
import Testing

@Suite struct ExceptionTests {
  func exception(
    _ type: String, _ message: String = "", hresult: HResult = 0x8013_1500,
    frames: [Frame] = [],
    inner: [ManagedException] = []
  ) -> ManagedException {
    ManagedException(type: type, message: message, hresult: hresult, frames: frames, inner: inner)
  }

  func lines(
    _ exception: ManagedException, thread: [Frame]? = nil,
    _ change: (inout TextOptions) -> Void = { _ in }
  ) -> [String] {
    var report =
      thread.map { Samples.crashed($0) } ?? Samples.report(.managedException)
    report.exception = exception
    return render(report, change)
  }

  @Test func `exceptions are shown with their messages, outermost first`() throws {
    let inner = exception("App.Inner", "the cause", frames: [Samples.managed("App.Deep")])
    let lines = lines(exception("App.Outer", "line one\r\n\n  line three\n", inner: [inner]))
    let outer = try #require(lines.line("App.Outer"))
    #expect(
      lines[(outer + 1)...].prefix(4) == [
        "    line one", "", "      line three", "    caused by App.Inner",
      ])
    #expect(lines[(outer + 5)...].first == "      the cause")
    #expect(lines[(outer + 6)...].first?.contains("App.Deep") == true)
  }

  @Test func `control characters in a message are shown and not sent`() {
    #expect(lines(exception("X", "a\rb\u{1b}[2Jc")).contains("    a\\rb\\u{1b}[2Jc"))
  }

  @Test func `a long message is cut, and says how long it is`() {
    let long = String(repeating: "word ", count: 1000)
    let cut = lines(exception("X", long))
    #expect(cut.has("… cut here: the message has 5,000 characters"))
    #expect(cut.count("word") < 60)
    let many = (1...30).map { "line \($0)" }.joined(separator: "\n")
    let lines = lines(exception("X", many))
    #expect(lines.has("line 12") && !lines.has("line 13"))
    #expect(lines.has("… cut here: the message has 230 characters in 30 lines"))
    #expect(self.lines(exception("X", many)) { $0.allThreads = true }.has("line 30"))
    #expect(!self.lines(exception("X", "a\n\n")).has("cut here"), "nothing was lost")
  }

  @Test func `what .NET says for want of a message is left out`() {
    let lines = lines(exception("App.E", "Exception of type 'App.E' was thrown."))
    #expect(lines.contains("  App.E") && !lines.has("was thrown"))
    #expect(self.lines(exception("App.E", "Exception of type 'X' was thrown.")).has("was thrown"))
  }

  @Test func `an HRESULT is shown where it says more than the type`() {
    #expect(lines(exception("X", hresult: 0x8007_0020)).contains("  X  HRESULT 0x80070020"))
    #expect(lines(exception("X", hresult: 0x8013_1509)).contains("  X"))
    let all = lines(exception("X", hresult: 0x8013_1509)) { $0.allThreads = true }
    #expect(all.has("HRESULT 0x80131509"))
  }

  @Test func `exceptions side by side are numbered, and many are cut`() {
    let two = lines(exception("All", inner: [exception("A"), exception("B")]))
    #expect(two.contains("    caused by (1 of 2) A") && two.contains("    caused by (2 of 2) B"))
    let many = lines(exception("All", inner: (1...20).map { exception("E\($0)") }))
    #expect(many.has("(8 of 20) E8") && !many.has("(9 of 20)"))
    #expect(many.has("… 12 more inner exceptions"))
  }

  @Test func `a deep chain stays on an 80-column screen`() {
    var chain = exception("System.InvalidOperationException")
    for depth in 0..<12 {
      let frame = Samples.managed("Shop.Orders.Processing.Pipeline.Step\(depth)") {
        ($0.file, $0.line) = ("/src/Shop/Orders/Processing/Pipeline.cs", 100)
      }
      chain = exception("Shop.E\(depth)", "no", frames: [frame], inner: [chain])
    }
    let lines = lines(chain) { $0.width = 80 }
    for line in lines { #expect(line.count <= 80) }
    #expect(lines.count("caused by") == 12)
    #expect(lines.has("  at Pipeline.cs:100"))
  }

  @Test func `the thrown stack is not told twice`() {
    let frames = [Samples.managed("App.Boom", ip: 1), Samples.managed("App.Main", ip: 2)]
    var helper = Samples.managed("App.ThrowHelper", ip: 9)
    helper.plumbing = true
    let thrown = exception("X", frames: [helper] + frames)
    let thread = frames + [Samples.frame("host")]
    #expect(lines(thrown, thread: thread).count("App.Boom") == 1, "plumbing makes no difference")
    #expect(lines(thrown, thread: thread) { $0.allThreads = true }.count("App.Boom") == 2)
    let elsewhere = exception("X", frames: [Samples.managed("Async.Work", ip: 7)] + frames)
    #expect(lines(elsewhere, thread: thread).count("App.Boom") == 2, "each is read by itself")
    #expect(!lines(thrown, thread: thread).has("whose stack is below"))
    let wrapped = exception("X", frames: frames, inner: [exception("Y")])
    #expect(
      lines(wrapped, thread: thread).has("thrown on the crashed thread, whose stack is below"))
  }

  @Test func `a source excerpt stands where it was thrown, and once`() throws {
    func frame(_ name: String, _ ip: UInt64, line: Int) -> Frame {
      Samples.managed(name, ip: ip) { ($0.file, $0.line) = ("/src/a.cs", line) }
    }
    let main = frame("App.Main", 2, line: 20)
    let thrown = exception(
      "X", frames: [frame("App.Work", 1, line: 10), main],
      inner: [exception("Y", frames: [frame("Z", 3, line: 5)])]
    )
    let source: (inout TextOptions) -> Void = {
      $0.source = { _ in (1...30).map { "code \($0);" } }
    }
    let lines = lines(thrown, thread: [main, frame("App.Rethrow", 4, line: 10)], source)
    let work = try #require(lines.line("App.Work"))
    #expect(lines[work + 1].hasSuffix("8 code 8;") && lines[work + 3].hasSuffix("> 10 code 10;"))
    #expect(lines[work + 6].contains("App.Main") && lines[work + 7].contains("caused by Y"))
    #expect(lines.has("> 5 code 5;"), "each exception has its own")
    #expect(lines.has("> 20 code 20;") && !lines.has("19 code 19;"), "only the way there")
    #expect(lines.count("code 10;") == 1)
    // Where the thread tells of the throw, its first frame is the one.
    let same = self.lines(
      exception("X", frames: [main], inner: [exception("Y", frames: [frame("Z", 3, line: 5)])]),
      thread: [main],
      source)
    #expect(same.has("18 code 18;") && same.has("> 20 code 20;"))
  }
}

@Suite struct DiagnosisTests {
  @Test func `a diagnosis shows the values that it rests on`() {
    var report = Samples.crashed([Samples.frame("boom")])
    report.diagnoses = [
      Diagnosis(
        rule: "null_pointer", summary: "a null pointer", detail: "more", confidence: .high,
        evidence: [
          "/threads/0/frames/0", "/process/pid", "/crash/kind", "/report/complete", "/no/such",
          "/threads/99", "", "nonsense", "/crash",
        ])
    ]
    let lines = render(report)
    #expect(lines.has("a null pointer  (null_pointer, high confidence)"))
    #expect(lines.has("because /threads/0/frames/0 = boom"))
    #expect(lines.has("because /process/pid = 42"))
    #expect(lines.has("because /crash/kind = managed_exception"))
    #expect(lines.has("because /report/complete = true"))
    #expect(lines.count("because") == 4, "what has no value says nothing to people")
    let all = render(report) { $0.allThreads = true }
    #expect(all.contains { $0.hasSuffix("because /no/such") })
  }

  @Test func `a diagnosis' detail keeps its lines`() throws {
    var report = Samples.report(.failFast)
    report.diagnoses = [
      Diagnosis(
        rule: "fail_fast", summary: "ended itself", detail: "the ledger\ndoes not\u{7} balance",
        confidence: .high, evidence: [])
    ]
    let lines = render(report)
    let first = try #require(lines.firstIndex(of: "    the ledger"))
    #expect(lines[first + 1] == "    does not\\u{7} balance")
  }
}
