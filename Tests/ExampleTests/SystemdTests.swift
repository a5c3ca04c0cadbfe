import Foundation
import Report
import TestSupport
import Testing

/// examples/systemd: the unit as systemd reads it, and a crash of its service under all that the unit sets.
@Suite(.timeLimit(.minutes(5))) struct SystemdTests {
  private let example = Example(name: "systemd")

  /// The unit's file system as run.sh makes it, and what became of the service there.
  private func crash(_ scratch: Scratch) throws -> (outcome: Outcome, state: String) {
    let outcome = try example.runAll(in: scratch, timeout: 60)
    return (outcome, scratch.file("root/var/lib/private/meter"))
  }

  @Test func aCrashUnderTheUnitGivesACompleteReport() throws {
    let scratch = try Scratch()
    let (outcome, state) = try crash(scratch)
    #expect(outcome.status == 0, "\(outcome)")
    #expect(outcome.text.contains("nothing to complain of"))
    #expect(mode(of: state + "/inquest") == 0o700)
    let report = try onlyReport(in: state + "/inquest", of: outcome).report
    #expect(report.report.complete)
    #expect(report.limitations.isEmpty, "\(report.limitations)")
    #expect(report.process.executable == "/usr/local/bin/meter")
    #expect(report.process.userID == 61184)
    #expect(report.crash.kind == .nativeFault)
    #expect(report.crash.signal?.address?.value == 8)
    let thread = try #require(report.threads.first)
    #expect(thread.crashed && thread.complete)
    #expect(thread.frames.first?.function == "read_sensor")
  }

  /// That the settings are applied, and that this one is needed: without ptrace nobody can look at the process.
  @Test func withoutPtraceThereIsLittleToSay() throws {
    let scratch = try Scratch()
    let (outcome, _) = try crash(scratch)
    #expect(outcome.status == 0, "\(outcome)")
    let units = scratch.file("root/etc/systemd/system")
    let text = try String(contentsOfFile: units + "/meter.service", encoding: .utf8)
    let strict = text.replacingOccurrences(of: "@system-service ptrace", with: "@system-service")
    #expect(strict != text)
    let unit = scratch.file("meter.service")
    try strict.write(toFile: unit, atomically: true, encoding: .utf8)
    try FileManager.default.createDirectory(
      atPath: scratch.file("state"), withIntermediateDirectories: false)
    let second = try run([
      example.folder + "/as_service.py", unit, units + "/meter.service.d/inquest.conf",
      "--local", scratch.file("root/usr/local"), "--state", scratch.file("state"),
    ])
    #expect(second.status == 128 + SIGSEGV, "\(second)")
    let report = try onlyReport(
      in: scratch.file("state/private/meter/inquest"), of: second
    ).report
    #expect(!report.report.complete)
    #expect(report.crash.kind == .nativeFault)
    #expect(report.crash.signal?.address?.value == 8)
    let limitation = try #require(report.limitations.first { $0.stage == "freeze" })
    #expect(limitation.problem.contains("a filter of system calls (seccomp) forbids ptrace"))
  }

  /// What the example says of a unit, it looks for: systemd-analyze only warns.
  @Test func aMisspelledSettingIsFound() throws {
    let scratch = try Scratch()
    let folder = scratch.file("example")
    _ = try output(of: ["cp", "-R", example.folder, folder])
    let drop = try String(contentsOfFile: folder + "/inquest.conf", encoding: .utf8)
    try drop.replacingOccurrences(of: "StateDirectory=", with: "StateDirectry=")
      .write(toFile: folder + "/inquest.conf", atomically: true, encoding: .utf8)
    let outcome = try run([folder + "/run.sh", Places.stage, scratch.file("build")])
    #expect(outcome.status == 1)
    #expect(outcome.text.contains("Unknown key 'StateDirectry'"), "\(outcome)")
  }
}
