import Foundation
import Report
import ReportReader
import TestSupport
import Testing

@testable import Capture

/// The role that the shim starts: the report first, then the real createdump in the same place, as the
/// runtime had wanted it.
@Suite(.timeLimit(.minutes(5))) struct HandoverTests {
  /// A createdump that says how it was called.
  private func createdump(in scratch: Scratch) throws -> String {
    let path = scratch.file("createdump")
    let script = """
      #!/bin/bash
      { echo "pid $$"; printf '%s\\n' "$@"; echo "backtrace ${SWIFT_BACKTRACE-unset}"
        grep SigIgn /proc/self/status; ls /proc/$$/fd | wc -w; } >\(scratch.path)/called
      exit 7
      """
    // Not written by this process: another test's child could hold it open for writing at the moment
    // when it is to be executed.
    let writer = try run(["sh", "-c", "cat >\"$0\" && chmod 755 \"$0\"", path], input: script)
    guard writer.status == 0 else { throw TestFailure("\(writer)") }
    return path
  }

  private func crash(
    _ pid: Int32, _ scratch: Scratch, dumps: String, environment: [String: String?] = [:]
  ) throws -> Outcome {
    var variables: [String: String?] = ["INQUEST_DIR": scratch.file("reports")]
    variables.merge(environment) { $1 }
    return try run(
      [
        Places.collector, "crash", "--pid", "\(pid)", "--dumps", dumps, "--createdump",
        createdump(in: scratch), "--", "createdump", "--name", "/x/core.%p", "--full", "\(pid)",
        "--signal", "11", "--crashthread", "\(pid)",
      ], environment: variables)
  }

  private func called(_ scratch: Scratch) -> [String]? {
    try? String(contentsOfFile: scratch.file("called"), encoding: .utf8)
      .split(separator: "\n").map(String.init)
  }

  @Test func theUsersDumpIsWrittenAfterTheReport() throws {
    let fixture = try Fixture("signal_frame", "segv")
    let scratch = try Scratch()
    let child = try crash(
      fixture.pid, scratch, dumps: "user",
      environment: [
        "SWIFT_BACKTRACE": "enable=no", "INQUEST_SAVED_SWIFT_BACKTRACE": "enable=yes",
      ])
    #expect(child.status == 7, "its status is createdump's")
    #expect(try scratch.contents("reports").count == 1)
    let lines = try #require(called(scratch))
    let pid = "\(fixture.pid)"
    #expect(
      Array(lines[1...8].prefix(8)) == [
        "--name", "/x/core.%p", "--full", pid, "--signal", "11", "--crashthread", pid,
      ])
    #expect(lines.contains("backtrace enable=yes"))
    // It finds SIGPIPE as the service had it, and not as we need it.
    let ignored = try #require(lines.first { $0.hasPrefix("SigIgn:") })
    let mask = try #require(UInt64(ignored.dropFirst("SigIgn:\t".count), radix: 16))
    #expect(mask & 1 << UInt64(SIGPIPE - 1) == 0)
  }

  @Test(
    arguments: [
      ("none", nil, false), ("none", "auto", false), ("none", "always", true),
      ("user", "auto", true),
      ("user", "never", false), ("user", "nonsense", true),
    ] as [(String, String?, Bool)])
  func whoDecides(dumps: String, variable: String?, runs: Bool) throws {
    let fixture = try Fixture("signal_frame", "segv")
    let scratch = try Scratch()
    let outcome = try crash(
      fixture.pid, scratch, dumps: dumps, environment: ["INQUEST_CREATEDUMP": variable])
    #expect((called(scratch) != nil) == runs)
    #expect(outcome.status == (runs ? 7 : 0))
    #expect(try scratch.contents("reports").count == 1)
  }

  /// No report is no reason to take the user's dump away.
  @Test func theDumpIsWrittenEvenIfTheReportFails() throws {
    let fixture = try Fixture("signal_frame", "segv")
    let scratch = try Scratch()
    for environment in [["INQUEST_DIR": "/proc/nowhere"], ["INQUEST_FAULT": "freeze"]] {
      try? FileManager.default.removeItem(atPath: scratch.file("called"))
      let outcome = try crash(fixture.pid, scratch, dumps: "user", environment: environment)
      #expect(outcome.status == 7, "\(outcome)")
      #expect(called(scratch) != nil)
    }
  }

  @Test func aMissingCreatedumpIsSaid() throws {
    let fixture = try Fixture("signal_frame", "segv")
    let scratch = try Scratch()
    let outcome = try run(
      [
        Places.collector, "crash", "--pid", "\(fixture.pid)", "--dumps", "user", "--createdump",
        scratch.file("missing"), "--", "createdump", "\(fixture.pid)",
      ], environment: ["INQUEST_DIR": scratch.file("reports")])
    #expect(outcome.status == 0)
    #expect(outcome.complaints.last?.contains("could not be run") == true)
    #expect(try scratch.contents("reports").count == 1)
  }

  /// The shim's argument vector may name a thread that is no more.
  @Test func aCrashThreadThatDoesNotExistIsNotGuessed() throws {
    let fixture = try Fixture("threads", "4", "3")
    let scratch = try Scratch()
    let outcome = try run(
      [
        Places.collector, "createdump", "--", "--signal", "11", "--crashthread", "999999",
        "\(fixture.pid)",
      ], environment: ["INQUEST_DIR": scratch.path])
    let file = try #require(try scratch.contents().first)
    let report = try Captured(outcome, bytes(of: scratch.file(file))).report
    #expect(outcome.status == ExitStatus.partial && !report.report.complete)
    #expect(report.threads.count == 5 && report.crashedThread == nil)
    #expect(report.limitations.contains { $0.problem.contains("crashed thread") })
  }
}

/// Several at once, and others that are there already.
@Suite(.timeLimit(.minutes(5))) struct CompetitionTests {
  @Test func manyCapturesOfOneProcess() throws {
    let fixture = try Fixture("threads", "16", "10")
    let before = try fixture.beat()
    let children = try (0..<8).map { _ in
      try Child([Places.collector, "capture", "--pid", "\(fixture.pid)", "--output", "-"])
    }
    var reports = 0
    for child in children {
      let outcome = try child.finish(timeout: 20)
      switch outcome.status {
      case ExitStatus.done, ExitStatus.partial:
        reports += 1
        #expect(try Report(json: outcome.output).threads.count == 17)
      case ExitStatus.notPermitted:
        // Usually "traces it already"; the tracer may be gone by the time that anyone looks.
        #expect(outcome.errors.contains("not permitted"), "\(outcome)")
      default: Issue.record("\(outcome)")
      }
    }
    #expect(reports >= 1)
    #expect(fixture.runs())
    #expect(try fixture.goesOn(beyond: before))
  }

  /// Field bug 18: report what was announced and what /proc gives, and say why there is no more.
  @Test func aCrashUnderADebugger() throws {
    let fixture = try Fixture("signal_frame", "segv")
    let tracer = try Child(["strace", "-o", "/dev/null", "-p", "\(fixture.pid)"])
    let isTraced = eventually(10) {
      let status = (try? bytes(of: "/proc/\(fixture.pid)/status")) ?? []
      return String(decoding: status, as: UTF8.self).contains("TracerPid:\t\(tracer.pid)\n")
    }
    #expect(isTraced)
    let scratch = try Scratch()
    let outcome = try run(
      [
        Places.collector, "createdump", "--", "\(fixture.pid)", "--signal", "11", "--crashthread",
        "\(fixture.pid)", "--code", "1", "--errno", "0", "--address", "24",
      ], environment: ["INQUEST_DIR": scratch.path])
    #expect(outcome.status == ExitStatus.partial, "\(outcome)")
    let file = try #require(try scratch.contents().first)
    let report = try Captured(outcome, bytes(of: scratch.file(file))).report
    #expect(report.crash.kind == .nativeFault && report.crash.signal?.address == 24)
    #expect(report.process.name == "signal_frame" && report.process.arguments?.count == 2)
    #expect(report.limitations.contains { $0.problem.contains("\(tracer.pid)") })
    kill(tracer.pid, SIGTERM)
    _ = try tracer.finish(timeout: 10)
  }
}
