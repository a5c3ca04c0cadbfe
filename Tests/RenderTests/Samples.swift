import Render
import Report

/// Hand-made reports: pure data.
enum Samples {
  static func report(
    _ kind: Crash.Kind = .nativeFault, summary: String = "it died", pid: Int = 42
  ) -> Report {
    Report(
      report: ReportInfo(
        id: "abc123", createdAt: "2026-11-21T03:25:12Z", trigger: "crash", complete: true,
        collector: .init(name: "inquest-collector", version: "0.1.0"),
        timing: .init(totalMS: 87.4, frozenMS: 11.92, stages: [])),
      crash: Crash(kind: kind, summary: summary, threadID: pid),
      process: ProcessRecord(pid: pid))
  }

  /// A report whose only thread crashed with these frames.
  static func crashed(
    _ frames: [Frame], kind: Crash.Kind = .managedException, modules: [ModuleRecord] = [libc]
  ) -> Report {
    var report = report(kind)
    report.threads = [thread(42, frames, crashed: true)]
    report.modules = modules
    return report
  }

  static func thread(
    _ id: Int, _ frames: [Frame], name: String? = nil, crashed: Bool = false
  ) -> ThreadRecord {
    ThreadRecord(
      id: id, name: name, crashed: crashed, frames: frames, frameCount: frames.count,
      complete: true, endReason: .outermost)
  }

  static let libc = module("/usr/lib/libc.so.6", at: 0x7f00_0000_0000, buildID: "58254ca9")
  static let app = module("/srv/app.dll", kind: .pe, at: 0x7f20_0000_0000)

  static func module(
    _ path: String, kind: ModuleRecord.Kind = .elf, at base: UInt64, buildID: String? = nil
  ) -> ModuleRecord {
    var module = ModuleRecord(
      path: path, kind: kind, base: HexNumber(base), end: HexNumber(base + 0x10000))
    module.buildID = buildID
    return module
  }

  static func frame(
    _ function: String? = nil, ip: UInt64 = 0x7f00_0000_1000, kind: Frame.Kind = .native,
    trust: Frame.Trust = .cfi, module: Int? = 0, _ change: (inout Frame) -> Void = { _ in }
  ) -> Frame {
    var frame = Frame(kind: kind, trust: trust, ip: HexNumber(ip), sp: 0x7ffc_0000_0000)
    frame.function = function
    frame.module = module
    frame.moduleOffset = module == nil ? nil : HexNumber(ip & 0xffff)
    change(&frame)
    return frame
  }

  static func managed(
    _ function: String?, ip: UInt64 = 0x7f50_0000_0000, _ change: (inout Frame) -> Void = { _ in }
  ) -> Frame {
    frame(function, ip: ip, kind: .managed, trust: .runtime, module: nil, change)
  }

  /// A method of an assembly.
  static func method(
    _ function: String, in assembly: String, ip: UInt64 = 0x7f50_0000_0000, module: Int? = nil,
    mvid: String? = nil
  ) -> Frame {
    var frame = frame(function, ip: ip, kind: .managed, trust: .runtime, module: module)
    frame.managed = .init(token: 1, ilOffset: nil, assembly: assembly, mvid: mvid)
    return frame
  }

  static func plumbing(_ count: Int) -> [Frame] {
    (0..<count).map { index in frame("runtime_\(index)") { $0.plumbing = true } }
  }
}

/// The text of a report, as lines.
func render(_ report: Report, _ change: (inout TextOptions) -> Void = { _ in }) -> [String] {
  var options = TextOptions()
  change(&options)
  return TextRenderer(options: options).render(report)
    .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
}

extension [String] {
  /// The index of the first line that contains `text`.
  func line(_ text: String) -> Int? {
    firstIndex { $0.contains(text) }
  }

  func count(_ text: String) -> Int {
    filter { $0.contains(text) }.count
  }

  func has(_ text: String) -> Bool {
    line(text) != nil
  }
}
