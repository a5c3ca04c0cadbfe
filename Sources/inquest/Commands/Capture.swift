import ArgumentParser
import Glibc

/// `inquest capture`: a report of a process that then goes on.
struct Capture: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Report on a live process, which then goes on.",
    discussion: "The report goes to the report directory, and its path to stdout.")

  @Argument(help: "The process.")
  var pid: Int32
  @Option(
    name: .shortAndLong, help: "Write the report to this file, or with \"-\" to stdout.",
    completion: .file())
  var output: String?
  @Option(help: ArgumentHelp("How long its threads may stand still.", valueName: "ms"))
  var maxFreeze: Int?
  @Option(help: ArgumentHelp("Time for the whole report.", valueName: "seconds"))
  var timeout: Int?
  @Flag(help: "Leave .NET out.")
  var noManaged = false
  @Flag(help: "Leave names of native functions out.")
  var noSymbols = false
  @Flag(help: "Ask the servers in DEBUGINFOD_URLS for debug files that are not installed.")
  var debuginfod = false

  func validate() throws {
    guard pid > 0 else { throw ValidationError("A pid is a positive number") }
    if output?.isEmpty == true { throw ValidationError("--output needs a file name, or \"-\"") }
    if debuginfod, noSymbols {
      throw ValidationError("--debuginfod finds what --no-symbols leaves out: give one of them")
    }
    try Limits.check(timeout: timeout, maxFreeze: maxFreeze)
  }

  func run() throws {
    let collector = try Layout().collector()
    var arguments = [collector, "capture", "--pid", "\(pid)"]
    if let output { arguments += ["--output", output] }
    if let maxFreeze { arguments += ["--max-freeze", "\(maxFreeze)"] }
    if let timeout { arguments += ["--timeout", "\(timeout)"] }
    if noManaged { arguments.append("--no-managed") }
    if noSymbols { arguments.append("--no-symbols") }
    if debuginfod { arguments.append("--debuginfod") }
    Environment.forCollector()
    let code = Execute.replace(collector, arguments)
    throw Failure("\(collector): \(String(cString: strerror(code)))")
  }
}
