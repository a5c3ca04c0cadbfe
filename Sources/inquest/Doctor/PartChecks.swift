import Glibc
import Report
import ReportReader

/// Our own parts, tried on real processes.
struct PartChecks {
  let layout: Layout
  let system: SystemChecks
  /// This executable, which can play a process to report on.
  private let me = "/proc/self/exe"

  var all: [Check] {
    let collector = self.collector
    guard case .ok(let path) = collector.path else { return [collector.check, preload] }
    return [collector.check, preload, capture(path)]
  }

  private enum Found {
    case ok(String)
    case missing
  }

  private var collector: (check: Check, path: Found) {
    let name = "collector"
    let path: String
    do throws(Failure) {
      path = try layout.collector()
    } catch {
      return (.problem(name, error, otherwise: "install Inquest again"), .missing)
    }
    let result = Child.run(path, ["--version"], environment: Self.clean)
    guard result.end == .exited(0) else {
      return (
        .problem(
          name, "\(path) --version: \(result.end)\(Self.quote(result.errors))",
          remedy: "install Inquest again; \"ldd \(path)\" shows missing libraries"), .missing
      )
    }
    let version = String(decoding: result.output, as: UTF8.self).firstLine
    return (.ok(name, "\(path) starts\(version.isEmpty ? "" : ": \(version)")"), .ok(path))
  }

  private var preload: Check {
    let name = "preload"
    let library: String
    do throws(Failure) {
      library = try layout.preload()
    } catch {
      return .problem(name, error, otherwise: "install Inquest again")
    }
    let variables: [String: String?] = ["LD_PRELOAD": library, "SWIFT_BACKTRACE": "enable=no"]
    for (program, status) in [("/bin/true", Int32(0)), ("/bin/false", 1)] {
      guard Layout.isFile(program, X_OK) else { continue }
      let result = Child.run(program, [], environment: variables)
      guard result.end == .exited(status), result.output.isEmpty, result.errors.isEmpty else {
        return .problem(
          name, "\(program) with \(library): \(result.end)\(Self.quote(result.errors))",
          remedy: "do not preload it here; run with INQUEST_LOG=debug and report this")
      }
    }
    let loaded = Child.run(me, [TrialTarget.name, "preloaded"], environment: variables)
    guard String(decoding: loaded.output, as: UTF8.self).firstLine == "yes" else {
      return .problem(
        name, "the loader ignores \(library)\(Self.quote(loaded.errors))",
        remedy: "check that the library is readable and for this architecture")
    }
    return .ok(name, "\(library) loads, silent, and leaves exit statuses alone")
  }

  /// Really stops and reads a process of ours.
  private func capture(_ collector: String) -> Check {
    let name = "capture"
    do throws(Failure) {
      let target = try Child(me, [TrialTarget.name, "wait"], environment: Self.clean)
      guard let line = target.firstLine(within: 5000), line == "\(target.pid)" else {
        return .problem(name, "the trial process did not start", remedy: "run it again")
      }
      let result = Child.run(
        collector, ["capture", "--pid", "\(target.pid)", "--output", "-", "--timeout", "10"],
        environment: Self.clean)
      let state = ProcFile.fields("/proc/\(target.pid)/status")["State"] ?? "gone"
      return judge(result, pid: Int(target.pid), state: state)
    } catch {
      return .problem(name, error, otherwise: "run it again")
    }
  }

  private func judge(
    _ result: (end: Child.End, output: [UInt8], errors: String), pid: Int, state: String
  ) -> Check {
    let name = "capture"
    if result.end == .exited(ExitStatus.notPermitted.rawValue) {
      let detail = "a process of ours could not be traced\(Self.quote(result.errors))"
      // Yama's word; a crashing runtime allows its child what it forbids to us.
      if system.yamaScope == 1, !system.mayTraceAnyone {
        return .warning(name, detail, remedy: "as root it can; crashes are reported all the same")
      }
      return .problem(
        name, detail,
        remedy: "allow ptrace: --cap-add=SYS_PTRACE in a container, or its seccomp profile",
        permission: true)
    }
    guard result.end == .exited(0) || result.end == .exited(ExitStatus.partial.rawValue),
      let report = try? Report(json: result.output)
    else {
      return .problem(
        name, "no report of a trial process: \(result.end)\(Self.quote(result.errors))",
        remedy: "run \"inquest capture PID\" on a process of yours and read its error")
    }
    guard report.process.pid == pid, report.threads.contains(where: { !$0.frames.isEmpty }) else {
      return .problem(name, "the report has no stack", remedy: "report this as a bug")
    }
    guard state.hasPrefix("S") || state.hasPrefix("R") else {
      return .problem(
        name, "the trial process did not go on: \(state)", remedy: "report this as a bug")
    }
    let frozen = report.report.timing.frozenMS ?? 0
    return .ok(name, "a trial process was stopped for \(frozen) ms, read, and went on")
  }

  /// What the collector and the trial processes must not inherit.
  static var clean: [String: String?] {
    ["SWIFT_BACKTRACE": "enable=no", "LD_PRELOAD": String?.none]
  }

  static func quote(_ errors: String) -> String {
    errors.firstLine.isEmpty ? "" : " (\(errors.firstLine))"
  }
}

extension String {
  var firstLine: String {
    split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
  }
}
