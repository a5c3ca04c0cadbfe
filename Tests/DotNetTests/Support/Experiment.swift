// SPDX-License-Identifier: Apache-2.0
import Foundation

/// One scenario, run with us, and without us when somebody asks.
struct Experiment: Sendable {
  var scenario: Scenario
  var plain: Outcome { get async throws { try await Self.plainRuns.value(scenario) } }
  var watched: Outcome
  /// What else may lie here, as the real createdump's report.
  var folder: String
  var reports: [ReportFile]
  /// The collector's arguments, one list a call.
  var calls: [[String]]
  /// The thread that was about to crash, as the program itself says; the main one if it says nothing.
  var crashThread: Int

  private static let done = Once<Scenario, Experiment>(perform)

  /// Every test about a scenario looks at the same run.
  static func of(_ scenario: Scenario) async throws -> Experiment {
    try await done.value(scenario)
  }

  private static let plainRuns = Once<Scenario, Outcome> { scenario in
    let lab = try Lab.shared.get()
    let (subject, runtime) = (scenario.subject, scenario.runtime)
    return try await Gate.programs.run {
      let dotnet =
        subject.hangs(runtime) ? try await withIdleCreatedump.value(runtime) : runtime.dotnet
      let scratch = try lab.scratch()
      var environment = subject.environment(runtime, scratch: scratch)
      if subject.hangs(runtime) { environment[runtime.prefix + "DbgEnableMiniDump"] = "1" }
      return try await subject.drive(
        [dotnet, runtime.program(subject.program)], environment: environment, scratch: scratch)
    }
  }

  private static func perform(_ scenario: Scenario) async throws -> Experiment {
    let lab = try Lab.shared.get()
    let (subject, runtime) = (scenario.subject, scenario.runtime)
    let scratch = try lab.scratch()
    let reports = scratch + "/reports"
    let thread = scratch + "/thread"
    let watched = try await Gate.programs.run {
      var environment = subject.environment(runtime, scratch: scratch)
      environment["INQUEST_DIR"] = reports
      environment["INQUEST_COLLECTOR"] = lab.notingCollector
      environment["CRASH_THREAD_FILE"] = thread
      return try await subject.drive(
        [Lab.inquest, "run", "--", runtime.dotnet, runtime.program(subject.program)],
        environment: environment, scratch: scratch)
    }
    let calls = try FileManager.default.contentsOfDirectory(atPath: scratch)
      .filter { $0.hasPrefix("reports.calls.") }.sorted()
      .map { try String(contentsOfFile: "\(scratch)/\($0)", encoding: .utf8) }
    let noted = try? String(contentsOfFile: thread, encoding: .utf8)
    return Experiment(
      scenario: scenario, watched: watched, folder: scratch,
      reports: try ReportFile.all(in: reports),
      calls: calls.map { $0.split(separator: "\n").map(String.init) },
      crashThread: noted.flatMap { Int($0.dropLast()) } ?? Int(watched.pid))
  }

  /// A runtime whose createdump does nothing: what enabling dumps alone changes.
  private static let withIdleCreatedump = Once<Runtime, String> { runtime in
    let copy = "\(Lab.runtimes)/.idle-\(getpid())-\(runtime)"
    Lab.removeAtExit(copy)
    _ = try await Program.output(["cp", "-al", "\(Lab.runtimes)/\(runtime)", copy])
    let createdump = "\(copy)/shared/Microsoft.NETCore.App/\(runtime)/createdump"
    try FileManager.default.removeItem(atPath: createdump)
    try FileManager.default.createSymbolicLink(
      atPath: createdump, withDestinationPath: "/bin/true")
    return copy + "/dotnet"
  }
}

extension Case {
  /// - Parameter scratch: what `FOLDER` stands for in a setting.
  func environment(_ runtime: Runtime, scratch: String) -> [String: String] {
    var result = ["PATH": "/usr/bin:/bin"]
    for (name, setting) in settings {
      let value = setting.replacingOccurrences(of: "FOLDER", with: scratch)
      for prefix in ["DOTNET_", "COMPlus_"] { result[prefix + name] = value }
    }
    return result
  }

  /// Starts the program, does to it what the case says, and waits for its end.
  func drive(_ words: [String], environment: [String: String], scratch: String) async throws
    -> Outcome
  {
    var environment = environment
    environment["HOME"] = scratch
    environment["TMPDIR"] = scratch
    let program = try Program(
      words + [mode], environment: environment, scratch: scratch, readsInput: waits)
    if waits {
      guard await program.wait(20, until: { program.output.hasSuffix("\n") }) else {
        let outcome = await program.finish(within: 0)
        throw LabFailure(description: "\(name) never was ready: \(outcome)")
      }
      try await Task.sleep(for: .milliseconds(200))
      if let signal { program.send(signal) }
      try await Task.sleep(for: .milliseconds(500))
      program.write("go on\n")
    }
    return await program.finish(noticesHang: true)
  }
}

extension Outcome {
  /// What differs between two runs that are the same: process ids, and how deep a stack was.
  private func normal(_ text: String) -> String {
    text.replacingOccurrences(
      of: "\\b\(pid)\\b|(?<=Repeat )[0-9]+(?= times)", with: "#", options: .regularExpression)
  }

  var normalOutput: String { normal(output) }

  var ourLines: [String] {
    errors.split(separator: "\n").map(String.init).filter { $0.hasPrefix("inquest: ") }
  }

  /// Standard error without exactly our lines.
  var normalErrors: String {
    let lines = errors.split(separator: "\n", omittingEmptySubsequences: false)
    return normal(lines.filter { !$0.hasPrefix("inquest: ") }.joined(separator: "\n"))
  }
}
