import Render
import Report
import Testing

@Suite struct VerdictTests {
  @Test func `the verdict comes first, the file last`() throws {
    var report = Samples.crashed([Samples.frame("boom")])
    report.crash.summary = "Unhandled X, thrown in boom"
    report.exception = ManagedException(
      type: "X", message: "why", hresult: 0x8013_1509, frames: [], inner: [])
    report.limitations = [Limitation(stage: "s", problem: "p", effect: "e")]
    let lines = render(report) { $0.path = "/reports/x.json" }
    #expect(lines.first == "Unhandled X, thrown in boom")
    let order = ["Exception", "Process", "Thread 42", "Modules", "What this report cannot say"]
    let places = try order.map { try #require(lines.line($0), "\($0) is missing") }
    #expect(places == places.sorted())
    #expect(lines.dropLast().last == "/reports/x.json")
    #expect(lines.has("frozen 12 ms · total 87 ms"))
  }

  @Test func `a fault says what, where and how`() {
    var report = Samples.report(.nativeFault)
    var signal = SignalRecord(number: 11, name: "SIGSEGV")
    signal.code = 1
    signal.codeName = "SEGV_MAPERR"
    signal.address = 0x8
    signal.origin = .kernel
    signal.access = .write
    report.crash.signal = signal
    #expect(
      render(report).has("SIGSEGV (11), SEGV_MAPERR: nothing is mapped there, at 0x8, writing"))
  }

  @Test func `a sent signal names its sender and no address`() {
    func line(_ sender: Int) -> String {
      var report = Samples.report(.raisedSignal, pid: 42)
      var signal = SignalRecord(number: 11, name: "SIGSEGV")
      signal.codeName = "SI_USER"
      signal.origin = .user
      signal.sender = .init(pid: sender, uid: 1000)
      signal.address = 0x3e8_0000_0309
      report.crash.signal = signal
      report.crash.survives = true
      let lines = render(report)
      #expect(lines.has("the process goes on after this"))
      return lines.first { $0.contains("SIGSEGV") } ?? ""
    }
    #expect(line(777).hasSuffix("sent by process 777 of user 1000"))
    #expect(line(42).hasSuffix("sent by the process itself"))
    #expect(line(0).hasSuffix("sent from outside this PID namespace"))
    #expect(!line(777).contains("0x"), "what looks like an address is the sender")
  }

  @Test func `the process is described by what is known of it`() {
    var report = Samples.report()
    #expect(render(report).has("pid 42"))
    report.process.name = "web"
    report.process.arguments = ["web", "", "--port", "80"]
    report.process.uptimeSeconds = 12371
    report.process.isNamespaceInit = true
    report.process.service = .init(unit: "web.service")
    report.runtime = RuntimeRecord(
      version: "8.0.4", commit: nil, path: "/x", inspection: .unavailable)
    let lines = render(report)
    #expect(lines.has("web, pid 42"))
    #expect(lines.has("web '' --port 80"))
    #expect(lines.has("3 h 26 min"))
    #expect(lines.has("init of its PID namespace"))
    #expect(lines.has("web.service"))
    #expect(lines.has(".NET 8.0.4, managed code was not inspected"))
  }

  @Test func `a partial report says so at the top`() throws {
    var report = Samples.report()
    #expect(!render(report).has("partial"))
    report.report.complete = false
    #expect(try #require(render(report).line("this report is partial")) < 6)
  }
}
