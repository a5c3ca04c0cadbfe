import ArgumentParser
import Glibc

/// `inquest run`: starts a program that leaves a report when it crashes.
struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run a program that leaves a report when it crashes.",
    discussion: """
      The program takes the place of inquest: its exit status, signals and terminal are its own. \
      A .NET program leaves a report by itself; others need --catch. \
      Reports go to INQUEST_DIR, by default /var/lib/inquest for root and ~/.local/state/inquest for \
      others.
      """)

  enum Dumps: String, CaseIterable, ExpressibleByArgument {
    case auto, always, never
  }

  enum LogLevel: String, CaseIterable, ExpressibleByArgument {
    case error, info, debug
  }

  @Flag(
    name: .customLong("catch"),
    help: "Also catch fatal signals: for programs that are not .NET's (INQUEST_CATCH=1).")
  var catchSignals = false
  @Option(help: "Where reports go.", completion: .directory)
  var dir: String?
  @Option(help: ArgumentHelp("Time for a whole report.", valueName: "seconds"))
  var timeout: Int?
  @Option(help: ArgumentHelp("How long threads may stand still.", valueName: "ms"))
  var maxFreeze: Int?
  @Option(help: "Whether the real createdump runs afterwards.")
  var createdump: Dumps?
  @Option(help: "What the preloaded library says on stderr: with debug, what it decides.")
  var log: LogLevel?
  @Argument(
    parsing: .captureForPassthrough,
    help: ArgumentHelp("The program and its arguments, after \"--\".", valueName: "command"),
    completion: .shellCommand("compgen -c"))
  var command: [String] = []

  func validate() throws {
    try Limits.check(timeout: timeout, maxFreeze: maxFreeze)
    guard let first = words.first, !first.isEmpty else {
      throw ValidationError("Nothing to run; write: inquest run -- CMD [ARG…]")
    }
    if ["-h", "--help"].contains(first), command.first != "--" {
      throw CleanExit.helpRequest(self)
    }
    // Only "--" ends our own options, so a misspelt one must not be taken for the program.
    if first.hasPrefix("-"), command.first != "--" {
      throw ValidationError("Unknown option '\(first)'")
    }
  }

  private var words: [String] {
    command.first == "--" ? Array(command.dropFirst()) : command
  }

  func run() throws {
    do throws(Failure) {
      try prepare()
    } catch {
      // The service comes first: one that does not start for want of its crash reporter is harmed.
      Console.complain("\(error.message); running without crash reports")
    }
    // What follows the options is the end of our own command line: taken from there byte by byte, because
    // a file name need not be UTF-8.
    throw failure(Execute.replace(Arguments.last(words.count) ?? words.map { Array($0.utf8) }))
  }

  /// Puts into the environment what the program needs to leave a report.
  private func prepare() throws(Failure) {
    let layout = try Layout()
    let library = try layout.preload()
    let collector = try layout.collector()
    guard !library.contains(where: { $0 == ":" || $0 == " " }) else {
      throw Failure("\(library): LD_PRELOAD takes no path with a space or a colon; move it")
    }
    if catchSignals { setenv("INQUEST_CATCH", "1", 1) }
    if let dir { setenv("INQUEST_DIR", try absolute(dir), 1) }
    if let timeout { setenv("INQUEST_TIMEOUT", "\(timeout)", 1) }
    if let maxFreeze { setenv("INQUEST_MAX_FREEZE", "\(maxFreeze)", 1) }
    if let createdump { setenv("INQUEST_CREATEDUMP", createdump.rawValue, 1) }
    if let log { setenv("INQUEST_LOG", log.rawValue, 1) }
    // In an installed tree the library finds the collector by itself; a build tree may differ.
    if !collector.hasSuffix("/libexec/inquest/inquest-collector") {
      setenv("INQUEST_COLLECTOR", try absolute(collector), 1)
    }
    let existing = Console.environment("LD_PRELOAD")
    setenv("LD_PRELOAD", Environment.preloading(library, existing: existing), 1)
    Environment.makeRoomForTheShim()
  }

  /// The program may change its directory before it crashes.
  private func absolute(_ path: String) throws(Failure) -> String {
    guard !path.hasPrefix("/") else { return path }
    guard let current = getcwd(nil, 0) else {
      throw Failure("the current directory is gone; name \(path) by its full path")
    }
    defer { free(current) }
    return String(cString: current) + "/" + path
  }

  private func failure(_ code: Int32) -> Failure {
    let name = words[0]
    let reason = String(cString: strerror(code))
    switch code {
    case ENOENT where name.contains("/") && access(name, F_OK) == 0:
      return Failure("\(name): its interpreter is missing; see its first line", .notExecutable)
    case ENOENT where !name.contains("/"):
      return Failure("\(name): not found in PATH", .notFound)
    case ENOENT, ENOTDIR:
      return Failure("\(name): \(reason)", .notFound)
    default:
      return Failure("\(name): \(reason)", .notExecutable)
    }
  }
}

/// The options that `run` and `capture` share.
enum Limits {
  static func check(timeout: Int?, maxFreeze: Int?) throws {
    if let timeout, !(1...86400).contains(timeout) {
      throw ValidationError("--timeout takes 1 to 86400 seconds")
    }
    if let maxFreeze, !(1...86_400_000).contains(maxFreeze) {
      throw ValidationError("--max-freeze takes 1 to 86400000 milliseconds")
    }
  }
}
