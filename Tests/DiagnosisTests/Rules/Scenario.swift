import Report

@testable import Diagnosis

/// A report of a crash that never was, as a rule needs it: a main stack at 0x7ffd0000, a program at 0x400000.
struct Scenario {
  var report: Report

  init(_ kind: Crash.Kind = .nativeFault, _ signal: SignalRecord? = nil) {
    var crash = Crash(kind: kind, summary: "It crashed", threadID: 7, signal: signal)
    crash.threadID = 7
    let info = ReportInfo(
      id: "", createdAt: "", trigger: .crash, complete: true,
      collector: ReportInfo.Collector(name: "", version: ""),
      timing: ReportInfo.Timing(totalMS: 0, frozenMS: 0, stages: []))
    report = Report(report: info, crash: crash, process: ProcessRecord(pid: 7))
    report.modules = [
      ModuleRecord(path: "/app/shop", kind: .elf, base: 0x40_0000, end: 0x50_0000),
      ModuleRecord(path: "/lib/libc.so.6", kind: .elf, base: 0x7000_0000, end: 0x7100_0000),
    ]
    report.memoryMap = [
      MapRecord(
        start: 0x40_0000, end: 0x40_1000, permissions: "r--p", offset: 0, path: "/app/shop"),
      MapRecord(
        start: 0x40_1000, end: 0x40_2000, permissions: "r-xp", offset: 0, path: "/app/shop"),
      MapRecord(start: 0x60_0000, end: 0x61_0000, permissions: "rw-p", offset: 0, path: "[heap]"),
      MapRecord(start: 0x62_0000, end: 0x63_0000, permissions: "---p", offset: 0),
      MapRecord(
        start: 0x70_0000, end: 0x70_4000, permissions: "rw-s", offset: 0x1000, path: "/var/data"),
      MapRecord(
        start: 0x7ffd_0000, end: 0x7ffe_0000, permissions: "rw-p", offset: 0, path: "[stack]"),
    ]
    var thread = ThreadRecord(
      id: 7, name: "shop", crashed: true, frames: [Self.frame("sell", 0x40_1010)], frameCount: 1,
      complete: true, endReason: .outermost)
    thread.stack = StackRecord(kind: .main, start: 0x7ffd_0000, end: 0x7ffe_0000)
    thread.registers = Registers([
      Registers.Entry(name: "rax", value: 0), Registers.Entry(name: "rcx", value: 3),
      Registers.Entry(name: "rsp", value: 0x7ffd_8000),
      Registers.Entry(name: "rip", value: 0x40_1010),
    ])
    report.threads = [thread]
  }

  /// A page fault.
  static func fault(
    _ address: HexNumber, _ access: SignalRecord.Access = .read, code: Int = 1, number: Int = 11
  ) -> Scenario {
    var signal = SignalRecord(number: number, name: SignalNames.name(number))
    signal.code = code
    signal.codeName = SignalNames.codeName(signal: number, code: code)
    signal.origin = .kernel
    if code != 128 { signal.address = address }
    if number == 11, code != 128 { signal.access = access }
    return Scenario(.nativeFault, signal)
  }

  /// A signal that was sent.
  static func sent(
    _ number: Int, code: Int = 0, by pid: Int = 99, kind: Crash.Kind = .raisedSignal
  ) -> Scenario {
    var signal = SignalRecord(number: number, name: SignalNames.name(number))
    signal.code = code
    signal.origin = .user
    signal.sender = SignalRecord.Sender(pid: pid, uid: 1000)
    return Scenario(kind, signal)
  }

  static func aborted(_ functions: String...) -> Scenario {
    var scenario = sent(6, code: -6, by: 7, kind: .abort)
    scenario.frames = functions.map { frame($0, $0 == "sell" ? 0x40_1010 : 0x7000_1000) }
    return scenario
  }

  static func frame(_ function: String?, _ ip: UInt64, sp: UInt64 = 0x7ffd_8000) -> Frame {
    var frame = Frame(kind: .native, trust: .cfi, ip: HexNumber(ip), sp: HexNumber(sp))
    frame.function = function
    if (0x40_0000..<0x50_0000).contains(ip) {
      (frame.module, frame.moduleOffset) = (0, HexNumber(ip - 0x40_0000))
    }
    if (0x7000_0000..<0x7100_0000).contains(ip) {
      (frame.module, frame.moduleOffset) = (1, HexNumber(ip - 0x7000_0000))
    }
    return frame
  }

  var frames: [Frame] {
    get { report.threads[0].frames }
    set { report.threads[0].frames = newValue }
  }

  mutating func set(_ register: String, _ value: UInt64) {
    var entries = report.threads[0].registers?.entries.filter { $0.name != register } ?? []
    entries.append(Registers.Entry(name: register, value: HexNumber(value)))
    report.threads[0].registers = Registers(entries)
  }

  mutating func instruct(
    _ text: String?, bytes: String = "488b4018", base: String? = nil, index: String? = nil,
    displacement: Int? = nil, size: Int? = nil, address: HexNumber? = nil
  ) {
    var record = InstructionRecord(address: 0x40_1010, bytes: bytes)
    record.text = text
    if let address {
      var operand = InstructionRecord.Operand()
      (operand.base, operand.index, operand.displacement) = (base, index, displacement)
      (operand.size, operand.address) = (size, address)
      record.operands = [operand]
    }
    report.crash.instruction = record
  }

  var diagnoses: [Diagnosis] { Diagnoses.diagnose(report) }
  var rules: [String] { diagnoses.map(\.rule) }
  /// The most certain one.
  var top: Diagnosis? { diagnoses.first }
}
