import Capture
import Glibc
import Report

/// Reads the collector's command line and does what it says.
enum CollectorCommand {
  /// - Returns: the exit status.
  static func run(_ arguments: [String], signals: SignalState) -> Int32 {
    var rest = arguments[...]
    switch rest.popFirst() {
    case "crash": return crash(rest, signals: signals)
    case "capture": return capture(rest)
    case "createdump": return createdump(rest)
    case "--version":
      print("inquest-collector \(Version.current)")
      return ExitStatus.done
    default:
      return usage("this is Inquest's collector; use the inquest command, or LD_PRELOAD its shim")
    }
  }

  /// Started in createdump's place by the crashed process's own child: whatever happens here, end
  /// quietly, because the service waits.
  private static func crash(_ arguments: ArraySlice<String>, signals: SignalState) -> Int32 {
    var options = Options(arguments)
    guard let pid = options.pid("--pid"), !options.rest.isEmpty else {
      return usage("crash wants --pid and createdump's arguments")
    }
    // A program that has no createdump, caught by the shim's own handler, has nobody to hand over to.
    let path = options.value("--createdump")
    let dumps = options.value("--dumps")
    var request = CaptureRequest(pid: pid, trigger: .crash)
    request.crash = CreatedumpArguments(Array(options.rest.dropFirst()))
    request.awaitedPID = getpid()
    let handover = path.map {
      CreatedumpHandover(path: $0, arguments: options.rest, userWantsDumps: dumps == "user")
    }
    let status = collect(&request)
    handover?.executeIfWanted(signals: signals)
    return status
  }

  /// createdump's command line from a caller that can choose its dump tool. A signal makes it a crash;
  /// without one it is a request, and the process goes on.
  private static func createdump(_ arguments: ArraySlice<String>) -> Int32 {
    let words = Array(arguments.drop { $0 == "--" })
    let parsed = CreatedumpArguments(words)
    if let unknown = parsed.unknown.first {
      return usage("createdump has no argument \"\(unknown)\"; give its options and a pid")
    }
    guard let pid = parsed.pid else { return usage("createdump wants a pid as its last argument") }
    guard parsed.signal != nil else {
      var request = CaptureRequest(pid: pid, trigger: .manual)
      Settings.apply(to: &request)
      return capture(&request)
    }
    var request = CaptureRequest(pid: pid, trigger: .crash)
    request.crash = parsed
    request.awaitedPID = getppid()
    return collect(&request)
  }

  private static func capture(_ arguments: ArraySlice<String>) -> Int32 {
    var options = Options(arguments)
    guard let pid = options.pid("--pid") else { return usage("capture wants --pid PID") }
    var request = CaptureRequest(pid: pid, trigger: .manual)
    Settings.apply(to: &request)
    switch options.value("--output") {
    case nil: break
    case "-": request.destination = .standardOutput
    case .some(let file): request.destination = .file(file)
    }
    if let text = options.value("--max-freeze") {
      guard let limit = Double(text), limit > 0, limit <= 86_400_000 else {
        return usage("--max-freeze wants milliseconds, not \"\(text)\"")
      }
      request.maximumFreeze = limit
    }
    if let text = options.value("--timeout") {
      guard let seconds = Double(text), seconds > 0, seconds <= 86400 else {
        return usage("--timeout wants seconds, not \"\(text)\"")
      }
      request.timeout = seconds
    }
    request.inspectsManaged = !options.flag("--no-managed")
    request.namesSymbols = !options.flag("--no-symbols")
    request.asksDebuginfod = options.flag("--debuginfod")
    // For measurements: the inquest command does not have it.
    request.namesLines = !options.flag("--no-lines")
    if let extra = options.words.first { return usage("capture has no argument \"\(extra)\"") }
    return capture(&request)
  }

  private static func capture(_ request: inout CaptureRequest) -> Int32 {
    // The parent is whoever waits for us; freezing it is legal and useful for scripts that capture
    // themselves, so only our own process is refused.
    if request.pid == getpid() {
      return usage("the collector cannot capture itself; give the pid of another process")
    }
    var supervisor = Supervisor(request: request)
    let (status, path) = supervisor.run()
    guard let path, request.destination == .store else { return status }
    if Console.output(Array("\(path)\n".utf8)) { return status }
    Console.complain("standard output takes no path; the report is \(path)")
    return ExitStatus.failure
  }

  private static func collect(_ request: inout CaptureRequest) -> Int32 {
    Settings.apply(to: &request)
    // A signal that somebody sent may well be survived: then nothing has crashed.
    let isSent = request.crash.code.map { $0 <= 0 } ?? false
    let what = isSent ? "got a fatal signal" : "crashed"
    Console.complain("process \(request.pid) \(what); collecting a report")
    var supervisor = Supervisor(request: request)
    let (status, path) = supervisor.run()
    if let path {
      Console.complain("\(supervisor.summary); report: \(path)")
    }
    return status
  }

  private static func usage(_ line: String) -> Int32 {
    Console.complain(line)
    return ExitStatus.usage
  }
}
