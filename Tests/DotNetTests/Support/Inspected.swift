// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// One report about a process whose inspector has a hard time, and what became of the process.
struct Inspected: Sendable {
  /// An unhandled exception, or a capture of a process that lives on.
  enum Trigger: String, CaseIterable, Sendable, CustomStringConvertible {
    case crash, live
    var description: String { rawValue }
  }

  var trigger: Trigger
  var runtime: Runtime
  var report: ReportFile
  var outcome: Outcome
  /// Of the collector, a capture; of the whole run, a crash.
  var seconds: Double

  var inspection: String? { report.json["runtime"]["inspection"].text }
  /// What is said about the inspector, each as `problem`, `effect` and `remedy`.
  var limitations: [JSON] {
    report.limitations.filter {
      let problem = $0["problem"].text ?? ""
      return $0["stage"].text == "managed"
        && (problem.contains("inspector") || problem.contains("debugging library"))
    }
  }
  var problems: [String] { limitations.compactMap { $0["problem"].text } }
  var allFrames: [JSON] {
    report.threads.flatMap { $0["handler_frames"].list + $0["frames"].list }
  }
  var managedFrames: [JSON] { allFrames.filter { $0["kind"].text == "managed" } }

  /// - Parameters:
  ///   - dotnet: the runtime to use instead of the real one.
  ///   - launcher: a command before it; of a live process only.
  ///   - environment: the collector's. In a crash the process has it too.
  static func of(
    _ trigger: Trigger, on runtime: Runtime, dotnet: String? = nil, mode: String = "exception",
    launcher: [String] = [], environment: [String: String] = [:],
    while body: (@Sendable (Program) async throws -> Void)? = nil
  ) async throws -> Inspected {
    try await Gate.programs.run {
      trigger == .crash
        ? try await crash(runtime, dotnet ?? runtime.dotnet, mode, environment, body)
        : try await capture(runtime, dotnet ?? runtime.dotnet, launcher, environment, body)
    }
  }

  private static func crash(
    _ runtime: Runtime, _ dotnet: String, _ mode: String, _ environment: [String: String],
    _ body: (@Sendable (Program) async throws -> Void)?
  ) async throws -> Inspected {
    var place = try Run.Place(mode, on: runtime, .on, environment)
    place.words = place.words.map { $0 == runtime.dotnet ? dotnet : $0 }
    let begun = ContinuousClock.now
    let program = try place.start()
    try await body?(program)
    let run = try await place.finish(program, within: 60)
    guard run.reports.count == 1 else {
      throw LabFailure(description: "\(run.reports.count) reports: \(run.outcome)")
    }
    return Inspected(
      trigger: .crash, runtime: runtime, report: run.reports[0], outcome: run.outcome,
      seconds: (ContinuousClock.now - begun).seconds)
  }

  private static func capture(
    _ runtime: Runtime, _ dotnet: String, _ launcher: [String], _ environment: [String: String],
    _ body: (@Sendable (Program) async throws -> Void)?
  ) async throws -> Inspected {
    var place = try Run.Place("wait", on: runtime, .off)
    chmod(place.folder, 0o777)
    let words = [dotnet, runtime.program("Throws"), "wait"]
    place.words =
      launcher + (launcher.isEmpty ? words : try await AdversityTests.readable(launcher, words))
    let program = try place.start(readsInput: true)
    guard await program.wait(20, until: { program.output.hasSuffix("ready\n") }) else {
      throw LabFailure(description: "never was ready: \(program.output)\(program.errors)")
    }
    try await Task.sleep(for: .milliseconds(200))
    let target = try #require(family(of: program.pid).last { !isOurs($0) })
    let path = place.folder + "/live.json"
    let begun = ContinuousClock.now
    let collector = try Program(
      [Lab.collector, "capture", "--pid", "\(target)", "--output", path],
      environment: environment.merging(["PATH": "/usr/bin:/bin", "SECRET": "hunter2"]) { $1 },
      scratch: try Lab.shared.get().scratch())
    try await body?(collector)
    let ended = await collector.finish(within: 60)
    let seconds = (ContinuousClock.now - begun).seconds
    let report = try ReportFile(path)
    // An inspector that died for good makes a report partial; one that there never was does not.
    let isFailed = report.json["runtime"]["inspection"].text == "failed"
    #expect(ended.ending == .exited(isFailed ? 3 : 0), "\(ended.errors)")
    #expect(report.json["report"]["complete"].bool == !isFailed)
    #expect(ended.output == "" && ended.errors == "")
    program.write("go on\n")
    let outcome = await program.finish(within: 20)
    return Inspected(
      trigger: .live, runtime: runtime, report: report, outcome: outcome, seconds: seconds)
  }

  // MARK: What always holds

  /// The process has ended, or gone on, as without us; the report has all that needs nobody inside the
  /// runtime; nobody of ours is left.
  func expectIntact(sourceLocation: SourceLocation = #_sourceLocation) async throws {
    if trigger == .crash {
      let plain = try await Experiment.of(Scenario("exception", runtime)).plain
      #expect(outcome.ending == plain.ending, sourceLocation: sourceLocation)
      #expect(outcome.normalOutput == plain.normalOutput, sourceLocation: sourceLocation)
      #expect(outcome.normalErrors == plain.normalErrors, sourceLocation: sourceLocation)
      #expect(outcome.ourLines.count == 2, sourceLocation: sourceLocation)
      #expect(
        report.crashed?["id"].int == Int(outcome.pid), sourceLocation: sourceLocation)
      #expect(report.crashed?["complete"].bool == true, sourceLocation: sourceLocation)
    } else {
      #expect(outcome.ending == .exited(0), sourceLocation: sourceLocation)
      #expect(outcome.output.hasSuffix("survived\n"), sourceLocation: sourceLocation)
      #expect(report.crash["kind"].text == "none", sourceLocation: sourceLocation)
    }
    #expect(report.threads.count > 5, sourceLocation: sourceLocation)
    #expect(
      report.json["runtime"]["version"].text == runtime.rawValue, sourceLocation: sourceLocation)
    let runtimes = report.json["modules"].list.filter {
      $0["path"].text?.hasSuffix("/libcoreclr.so") == true && $0["build_id"].text != nil
    }
    #expect(runtimes.count == 1, sourceLocation: sourceLocation)
    #expect(report.json["modules"].list.count > 10, sourceLocation: sourceLocation)
    let native = allFrames.filter { $0["kind"].text == "native" }
    #expect(native.count > 20, sourceLocation: sourceLocation)
    #expect(native.contains { $0["function"].exists }, sourceLocation: sourceLocation)
    #expect(managedFrames.count > 3, sourceLocation: sourceLocation)
    let violations = try await ReportFile.violations([report.path])
    #expect(violations == "", sourceLocation: sourceLocation)
    let left = Self.collectors(of: report.json["process"]["pid"].int ?? 0)
    #expect(left.isEmpty, "\(left) live on", sourceLocation: sourceLocation)
  }

  /// No inspector has ever answered: managed frames are there, without names, and the report says why.
  func expectNoNames(
    _ expected: String, _ word: String, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(inspection == expected, sourceLocation: sourceLocation)
    #expect(
      managedFrames.contains { $0["trust"].text == "frame_pointer" },
      sourceLocation: sourceLocation)
    for frame in managedFrames {
      #expect(!frame["managed"].exists, sourceLocation: sourceLocation)
      #expect(frame["trust"].text != "runtime", sourceLocation: sourceLocation)
    }
    #expect(!report.json["exception"].exists, sourceLocation: sourceLocation)
    if trigger == .crash { #expect(report.crash["kind"].text == "abort") }
    #expect(
      problems.contains { $0.contains(word) }, "\(problems)", sourceLocation: sourceLocation)
    for limitation in limitations {
      #expect(
        limitation["effect"].text?.contains("have no names") == true,
        sourceLocation: sourceLocation)
      #expect((limitation["remedy"].text ?? "").count > 20, sourceLocation: sourceLocation)
    }
    #expect(Set(problems).count == problems.count, sourceLocation: sourceLocation)
  }

  // MARK: Processes

  /// A process and its descendants, parents first.
  static func family(of pid: pid_t) -> [pid_t] {
    let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")) ?? []
    let children = tasks.flatMap { task in
      let text = try? String(contentsOfFile: "/proc/\(pid)/task/\(task)/children", encoding: .utf8)
      return (text ?? "").split(separator: " ").compactMap { pid_t($0) }
    }
    return [pid] + children.flatMap(family)
  }

  /// One of the collector's, and not dead already.
  static func isOurs(_ pid: pid_t) -> Bool { commandLine(pid)?.first == "inquest-collector" }

  /// With the program's name alone. A process that has ended and is not reaped has none.
  private static func commandLine(_ pid: pid_t) -> [String]? {
    guard let line = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") else {
      return nil
    }
    var words = line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    guard let program = words.first?.split(separator: "/").last else { return nil }
    words[0] = String(program)
    return words
  }

  /// The collector's processes that were started because of a process: they share a command line.
  static func collectors(of pid: Int) -> [pid_t] {
    let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return all.compactMap { pid_t($0) }.filter { candidate in
      guard let words = commandLine(candidate), words.first == "inquest-collector",
        let option = words.firstIndex(of: "--pid"), option + 1 < words.count
      else { return false }
      return words[option + 1] == "\(pid)"
    }
  }
}

extension Duration {
  var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
