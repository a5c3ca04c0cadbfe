import Foundation
public import Report
import ReportReader

/// Asks tools/validate-report about any number of reports at once.
///
/// - Returns: its complaints, a line each.
public func violations(in reports: [[UInt8]]) throws -> [String] {
  let scratch = try Scratch()
  let files = try reports.enumerated().map { index, bytes in
    let path = scratch.file("report-\(index).json")
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return path
  }
  let outcome = try run([Places.repository + "/tools/validate-report"] + files, timeout: 60)
  guard outcome.status != 0 else { return [] }
  let lines = (outcome.text + outcome.errors).split(separator: "\n").prefix(20).map(String.init)
  return lines.isEmpty ? ["\(outcome)"] : lines
}

/// A report that the collector made, and how.
public struct Captured {
  public var outcome: Outcome
  public var json: [UInt8]
  public var report: Report

  /// `inquest capture PID -o -`; whatever its exit status, there has to be a report, and a valid one.
  public init(
    _ pid: Int32, _ options: String..., environment: [String: String?] = [:], timeout: Double = 30
  ) throws {
    try self.init(
      words: [Places.inquest, "capture", "\(pid)", "-o", "-"] + options, environment: environment,
      timeout: timeout)
  }

  public init(words: [String], environment: [String: String?] = [:], timeout: Double = 30) throws {
    let outcome = try run(words, environment: environment, timeout: timeout)
    guard !outcome.output.isEmpty else { throw TestFailure("no report: \(outcome)") }
    try self.init(outcome, outcome.output)
  }

  /// Any one report that came of running something.
  public init(_ outcome: Outcome, _ json: [UInt8]) throws {
    self.outcome = outcome
    self.json = json
    do {
      report = try Report(json: json)
    } catch {
      throw TestFailure("\(error): \(String(decoding: json.prefix(2000), as: UTF8.self))")
    }
    let complaints = try violations(in: [json])
    guard complaints.isEmpty else {
      throw TestFailure("invalid report:\n" + complaints.joined(separator: "\n"))
    }
  }

  public func thread(_ id: Int32) -> ThreadRecord? {
    report.threads.first { $0.id == Int(id) }
  }

  /// Limitations of one stage.
  public func limitations(_ stage: String) -> [Limitation] {
    report.limitations.filter { $0.stage == stage }
  }
}

extension ThreadRecord {
  /// What a debugger shows from the top: the machinery of a crash, then the story.
  public var allFrames: [Frame] { (handlerFrames ?? []) + frames }
  /// Functions from the innermost on; "?" for those without a name.
  public var functions: [String] { allFrames.map { $0.function ?? "?" } }
}
