import Foundation
import Report
import ReportReader
import TestSupport
import Testing

@testable import Capture

/// createdump's command line in every version: facts/createdump.md.
@Suite(.timeLimit(.minutes(5))) struct CreatedumpTests {
  private func parse(_ line: String) -> CreatedumpArguments {
    CreatedumpArguments(line.split(separator: " ").map(String.init))
  }

  @Test(arguments: [
    "4214", "--name /x/core.%p --normal --diag 4214", "-f /x/core -h -d 4214", "-n 4214",
    "-t 4214", "-u -v 4214", "--withheap 4214", "--triage 4214", "--full 4214",
    "--name T --normal --diag --verbose --crashreport --singlefile --logtofile F 4214",
    "--crashreportonly -l F 4214", "--nativeaot 4214", "--name 99 4214",
    "--exception-record 7 4214",
  ]) func requestsOfAllVersions(line: String) {
    let arguments = parse(line)
    #expect(arguments.pid == 4214)
    #expect(arguments.signal == nil && arguments.crashThread == nil)
    #expect(arguments.unknown.isEmpty)
  }

  @Test func crashesOfAllVersions() {
    var arguments = parse("--name /x/core.%p --normal 4214 --signal 6 --crashthread 4215")
    #expect(arguments.pid == 4214 && arguments.signal == 6 && arguments.crashThread == 4215)
    #expect(arguments.code == nil && arguments.address == nil)
    arguments = parse(
      "--crashreportonly 4214 --signal 11 --crashthread 4215 --code 1 --errno 0 --address 24")
    #expect(arguments.signal == 11 && arguments.code == 1 && arguments.errno == 0)
    #expect(arguments.address == 24)
    // The address is a signed decimal.
    arguments = parse("4214 --signal 11 --crashthread 1 --code -6 --errno 0 --address -4096")
    #expect(arguments.code == -6 && arguments.address == 0xffff_ffff_ffff_f000)
    #expect(parse("1 --address 18446744073709551615").address == .max)
    // The newest runtime gives no pid: the parent is meant.
    arguments = parse("--full --nativeaot --exception-record 140000 --signal 11 --crashthread 5")
    #expect(arguments.pid == nil && arguments.crashThread == 5 && arguments.unknown.isEmpty)
  }

  @Test func nonsenseIsKeptAndHarmless() {
    #expect(parse("--frobnicate 5").unknown == ["--frobnicate"])
    #expect(parse("-1").unknown == ["-1"])
    #expect(parse("4214 --signal").signal == nil)
    #expect(parse("4214 --signal eleven --code x --address y").address == nil)
    #expect(parse("--name").pid == nil)
    #expect(parse("").pid == nil)
    #expect(CreatedumpArguments(Array(repeating: "--signal", count: 10_000)).pid == nil)
  }

  /// With a signal it is a crash, whoever calls.
  @Test func aSignalMakesItACrash() throws {
    let fixture = try Fixture("signal_frame", "segv")
    let scratch = try Scratch()
    let outcome = try run(
      [
        Places.inquest, "createdump", "\(fixture.pid)", "--signal", "11", "--crashthread",
        "\(fixture.pid)", "--code", "1", "--errno", "0", "--address", "24",
      ], environment: ["INQUEST_DIR": scratch.path])
    #expect(outcome.status == 0, "\(outcome)")
    #expect(outcome.output.isEmpty, "stdout is the application's")
    #expect(outcome.complaints.count == 2, "one line at the start, one at the end")
    let file = try #require(try scratch.contents().first)
    #expect(outcome.complaints.last?.hasSuffix(scratch.file(file)) == true)
    let report = try Captured(outcome, bytes(of: scratch.file(file))).report
    #expect(report.report.trigger == .crash)
    #expect(report.crash.kind == .nativeFault)
    #expect(report.crash.signal?.address == 24)
    #expect(report.crash.signal?.access == .write)
    #expect(report.crash.threadID == Int(fixture.pid))
    let thread = try #require(report.crashedThread)
    #expect(thread.frames.first?.function == "fault")
    #expect(thread.handlerFrames?.last?.signalFrame == true)
    #expect(thread.handlerFrames?.contains { $0.function == "wait_in_handler" } == true)
    #expect(thread.stack?.kind == .main)
    #expect(thread.handlerFrames?.first?.stack == .alternate)
    // The registers are those of the fault: rip is where it struck.
    #expect(thread.registers?["rip"] == thread.frames.first?.ip)
    #expect(thread.registers?["rsp"] == thread.frames.first?.sp)
    #expect(report.signature?.frames.first == "fault")
    #expect(try fixture.goesOn(beyond: try fixture.beat()))
  }

  /// Two runs of one crash lie at different addresses, and are the same crash; another is not.
  @Test func signaturesGroupTheSameCrash() throws {
    func signature(_ program: String, _ mode: String) throws -> Signature {
      let fixture = try Fixture(program, mode)
      let scratch = try Scratch()
      let outcome = try run(
        [
          Places.collector, "createdump", "--", "--signal", "11", "--crashthread",
          "\(fixture.pid)", "\(fixture.pid)",
        ], environment: ["INQUEST_DIR": scratch.path])
      let file = try #require(try scratch.contents().first, "\(outcome)")
      return try #require(try Report(json: bytes(of: scratch.file(file))).signature)
    }
    let one = try signature("signal_frame", "segv")
    #expect(try signature("signal_frame", "segv") == one)
    #expect(try signature("null_call", "").hash != one.hash)
  }

  @Test func withoutASignalItIsARequest() throws {
    let fixture = try Fixture("threads", "2", "2")
    let scratch = try Scratch()
    let outcome = try run(
      [Places.inquest, "createdump", "--full", "\(fixture.pid)"],
      environment: ["INQUEST_DIR": scratch.path])
    #expect(outcome.status == 0, "\(outcome)")
    let file = try #require(try scratch.contents().first)
    #expect(outcome.text == scratch.file(file) + "\n")
    #expect(try Report(json: bytes(of: scratch.file(file))).report.trigger == .manual)
  }

  /// The crash of a process that nobody may look into still gives a report of what was announced.
  @Test func aRefusedCrashIsReportedFromItsAnnouncement() throws {
    let scratch = try Scratch()
    let outcome = try run(
      [
        Places.collector, "createdump", "--", "--signal", "11", "--crashthread", "999999998",
        "--code", "1", "--errno", "0", "--address", "24", "999999999",
      ], environment: ["INQUEST_DIR": scratch.path])
    #expect(outcome.status == ExitStatus.partial, "\(outcome)")
    let file = try #require(try scratch.contents().first)
    let report = try Captured(outcome, bytes(of: scratch.file(file))).report
    #expect(report.crash.signal?.address == 24 && report.crash.threadID == 999_999_998)
    #expect(!report.report.complete && !report.limitations.isEmpty)
  }
}
