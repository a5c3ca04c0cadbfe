import Glibc
import Report
import ReportReader
import Store

/// `--crash-test`: a real process crashes and, from its signal handler, launches createdump exactly
/// as the .NET runtime does; our library must turn that into a report.
struct CrashTest {
  let layout: Layout

  var check: Check {
    let name = "crash test"
    do throws(Failure) {
      return try run(name)
    } catch {
      return .problem(name, error, otherwise: "mend what is said above first")
    }
  }

  private func run(_ name: String) throws(Failure) -> Check {
    let library = try layout.preload()
    let collector = try layout.collector()
    let directory = try Scratch()
    var target = try Child(
      "/proc/self/exe", [TrialTarget.name, "crash"],
      environment: [
        "LD_PRELOAD": library, "INQUEST_COLLECTOR": collector, "INQUEST_DIR": directory.path,
        "INQUEST_ENABLED": nil, "INQUEST_CREATEDUMP": "never", "INQUEST_TIMEOUT": "20",
        "SWIFT_BACKTRACE": "enable=no",
      ])
    let result = target.finish(within: 40)
    let remedy = "run it again with INQUEST_LOG=debug and report what stderr says"
    guard result.end == .exited(TrialTarget.crashed) else {
      return .problem(
        name,
        "the crashing process ended differently: \(result.end)"
          + PartChecks.quote(result.errors), remedy: remedy)
    }
    let reports = ReportDirectory(path: directory.path)
    guard let path = try Failure.translating({ () throws(StoreError) in try reports.newest() })
    else {
      return .problem(
        name, "a process crashed and no report came\(PartChecks.quote(result.errors))",
        remedy: remedy)
    }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    defer { close(descriptor) }
    guard let report = try? Report(json: Console.read(descriptor) ?? []) else {
      return .problem(name, "the report of a crash is not valid", remedy: remedy)
    }
    // One thread, so its id is the process'.
    let pid = Int(target.pid)
    guard report.process.pid == pid, report.report.trigger == .crash,
      report.crash.threadID == pid, let thread = report.crashedThread, !thread.frames.isEmpty
    else {
      return .problem(name, "the report does not name the thread that crashed", remedy: remedy)
    }
    return .ok(
      name,
      "a process crashed and left a report in \(Int(report.report.timing.totalMS)) ms: "
        + report.crash.summary)
  }
}

/// A private directory that is deleted with its owner.
private struct Scratch: ~Copyable {
  let path: String

  init() throws(Failure) {
    let parent = Console.environment("TMPDIR").flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
    var template = Array((parent + "/inquest-doctor-XXXXXX").utf8CString)
    let made = template.withUnsafeMutableBufferPointer { mkdtemp($0.baseAddress!) != nil }
    guard made else {
      throw Failure("cannot make a directory in \(parent): \(String(cString: strerror(errno)))")
    }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    for name in Directory.names(in: path) { unlink(path + "/" + name) }
    rmdir(path)
  }
}
