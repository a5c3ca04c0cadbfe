import Render
import Report
import Testing

/// A report comes from a process that may be hostile, or from a file that is.
@Suite struct HostileTests {
  static let text =
    "a\u{1b}[31mb\u{9b}2Jc\u{202e}d\u{2066}e\u{7}f\u{2028}g\u{7f}h\u{200b}i\r\nj\0k\u{e0041}"

  /// Every string of a report is `text`.
  static let everywhere: Report = {
    var frame = Samples.frame(text) {
      $0.rawFunction = text
      $0.file = "/" + text
      $0.line = 1
      $0.managed = .init(token: 1, ilOffset: 1, assembly: text, mvid: text)
    }
    frame.stack = .init(rawValue: text)
    var other = Samples.frame(nil, ip: 7, kind: .init(rawValue: text), module: 0)
    other.trust = .init(rawValue: text)
    var report = Samples.crashed([frame, other], kind: .nativeFault)
    report.modules = [Samples.module("/" + text, at: 0, buildID: text)]
    report.modules[0].version = text
    report.crash.summary = text
    var signal = SignalRecord(number: 11, name: text)
    signal.codeName = text
    signal.access = .init(rawValue: text)
    signal.address = 1
    signal.sender = .init(pid: 7, uid: 7)
    signal.sender?.name = text
    signal.sender?.command = text
    signal.systemCall = .init(number: 1, name: text)
    report.crash.signal = signal
    report.crash.message = text
    report.crash.thrown = Thrown(type: text, message: text)
    var instruction = InstructionRecord(address: 1, bytes: text)
    instruction.text = text
    var operand = InstructionRecord.Operand()
    (operand.address, operand.access, operand.size) = (1, text, 8)
    instruction.operands = [operand]
    report.crash.instruction = instruction
    report.exception = ManagedException(
      type: text, message: text, hresult: 1, frames: [other], inner: [])
    report.diagnoses = [
      Diagnosis(
        rule: text, summary: text, detail: text, confidence: .init(rawValue: text),
        evidence: ["/crash/summary", text])
    ]
    report.process.name = text
    report.process.arguments = [text]
    report.process.startedAt = text
    report.process.uptimeSeconds = 1
    report.process.service = .init(unit: text)
    report.process.container = .init(id: text, cgroup: text)
    report.runtime = RuntimeRecord(
      version: text, commit: text, path: text, inspection: .init(rawValue: text))
    report.host = HostRecord(
      name: text, kernel: text, architecture: text, os: text, cpus: 1, memoryBytes: 1)
    report.threads[0].name = text
    report.threads[0].managed = .init(id: 1, exceptionType: text)
    report.threads[0].registers = Registers([.init(name: text, value: 1)])
    report.threads[0].complete = false
    report.threads[0].endReason = .init(rawValue: text)
    report.threads[0].handlerFrames = [frame]
    var sleeper = Samples.thread(9, [other], name: text)
    sleeper.state = text
    report.threads += [sleeper, sleeper]
    report.memoryMap = [
      MapRecord(start: 0, end: 16, permissions: text, offset: 0, path: text, fault: true)
    ]
    report.memory = [MemoryRecord(label: text, address: 0, bytes: text)]
    report.limitations = [Limitation(stage: text, problem: text, effect: text, remedy: text)]
    report.report.id = text
    report.report.createdAt = text
    return report
  }()

  @Test(arguments: [false, true], [false, true])
  func `nothing in a report can command the terminal`(color: Bool, allThreads: Bool) {
    let lines = render(Self.everywhere) {
      $0.color = color
      $0.allThreads = allThreads
      $0.path = "/" + Self.text
      $0.source = { _ in [Self.text] }
    }
    #expect(lines.has("a\\u{1b}[31mb"), "shown, not dropped")
    for line in lines {
      // Our own colours are the only commands there are, and there are none without colour.
      let rest = color ? line.replacing(/\u{1b}\[[0-9;]+m/, with: "") : line
      let bad = rest.unicodeScalars.filter {
        [.control, .format, .lineSeparator, .paragraphSeparator].contains(
          $0.properties.generalCategory)
      }
      #expect(bad.isEmpty, "\(line.debugDescription)")
    }
    if color { #expect(lines.contains { $0.contains("\u{1b}[") }, "colours were asked for") }
  }

  @Test func `other languages stay readable`() {
    var report = Samples.report()
    report.crash.summary = "Größe überschritten: 日本語 🙂"
    #expect(render(report).first == "Größe überschritten: 日本語 🙂")
  }

  @Test func `values that a newer collector knows are shown as they are`() {
    var report = Samples.crashed([Samples.frame("f", kind: "quantum", trust: "entangled")])
    report.crash.kind = "heat_death"
    report.threads[0].complete = false
    report.threads[0].endReason = "universe"
    let lines = render(report)
    #expect(lines.has("heat_death"))
    #expect(lines.has("f  in libc.so.6  (entangled)"))
    #expect(lines.has("universe"))
  }

  @Test func `absurd numbers are survived`() {
    var report = Samples.crashed(
      [
        Samples.frame("f", module: .min) {
          $0.repeated = .init(frames: .max, times: .max)
          $0.line = .min
          $0.file = "/a.c"
        },
        Samples.frame("g", module: .max) {
          $0.repeated = .init(frames: 1, times: .max)
          $0.line = .max
          $0.file = "/a.c"
        },
        Samples.frame("h") { $0.repeated = .init(frames: -1, times: .min) },
      ], kind: .nativeFault)
    report.threads[0].frameCount = .min
    report.threads.append(Samples.thread(.min, []))
    report.threads.append(Samples.thread(.max, []))
    report.process.uptimeSeconds = .infinity
    report.report.timing = .init(totalMS: .nan, frozenMS: -1e300, stages: [])
    report.host = HostRecord(
      name: "h", kernel: "k", architecture: "a", os: "o", cpus: .min, memoryBytes: .min)
    report.memory = [MemoryRecord(label: "l", address: HexNumber(.max), bytes: "0")]
    report.memoryMap = [MapRecord(start: HexNumber(.max), end: 0, permissions: "", offset: 0)]
    var signal = SignalRecord(number: .min, name: "")
    signal.address = HexNumber(.max)
    signal.systemCall = .init(number: .min, name: nil)
    report.crash.signal = signal
    var instruction = InstructionRecord(address: HexNumber(.max), bytes: "")
    var operand = InstructionRecord.Operand()
    (operand.address, operand.size) = (HexNumber(.max), .min)
    instruction.operands = [operand]
    report.crash.instruction = instruction
    report.process.openFiles = .min
    var use = ProcessRecord.MemoryUse()
    (use.residentBytes, use.groupLimitBytes, use.groupKills) = (.min, .max, .max)
    report.process.memory = use
    let lines = render(report) { $0.source = { _ in ["x"] } }
    #expect(lines.has("f") && lines.has("g") && lines.has("h"))
  }

  @Test func `a megabyte of message does not fill the screen`() {
    var report = Samples.report(.managedException)
    let message = String(repeating: "x", count: 1 << 20) + String(repeating: "\ny", count: 100_000)
    report.exception = ManagedException(
      type: "X", message: message, hresult: 1, frames: [], inner: [])
    let lines = render(report)
    #expect(lines.count < 100)
    #expect(lines.has("… cut here: the message has 1,248,576 characters in 100,001 lines"))
  }

  @Test func `inner exceptions end somewhere`() {
    var exception = ManagedException(type: "X", message: "", hresult: 1, frames: [], inner: [])
    for _ in 0..<500 {
      exception = ManagedException(
        type: "X", message: "", hresult: 1, frames: [], inner: [exception])
    }
    var report = Samples.report()
    report.exception = exception
    #expect(render(report).has("… more inner exceptions"))
  }

  @Test(arguments: [40, 80, 140])
  func `no line is wider than asked for`(width: Int) {
    for report in [Self.everywhere, MemoryTests().fault()] {
      for line in render(report, { $0.width = width }) { #expect(line.count <= width) }
    }
  }
}

@Suite struct ColorTests {
  func enabled(
    _ choice: ColorChoice = .auto, _ variables: [String: String] = [:], terminal: Bool = true
  ) -> Bool {
    choice.enabled(environment: { variables[$0] }, isTerminal: terminal)
  }

  @Test func `a choice beats variables, variables beat the terminal`() {
    #expect(enabled() && !enabled(terminal: false))
    #expect(enabled(.always, ["NO_COLOR": "1"], terminal: false))
    #expect(!enabled(.never, ["CLICOLOR_FORCE": "1"]))
    #expect(!enabled(.auto, ["NO_COLOR": "1", "CLICOLOR_FORCE": "1"]))
    #expect(enabled(.auto, ["NO_COLOR": ""]), "set but empty does not count")
    #expect(enabled(.auto, ["CLICOLOR_FORCE": "1"], terminal: false))
    #expect(!enabled(.auto, ["CLICOLOR_FORCE": "0"], terminal: false))
    #expect(!enabled(.auto, ["TERM": "dumb"]))
  }

  @Test func `the words are the same with colour and without`() {
    let plain = render(HostileTests.everywhere)
    let colored = render(HostileTests.everywhere) { $0.color = true }
      .map { $0.replacing(/\u{1b}\[[0-9;]+m/, with: "") }
    #expect(plain == colored)
  }
}
