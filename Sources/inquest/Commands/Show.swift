public import ArgumentParser
import Glibc
public import Render
import Report
import ReportReader
import Store

extension ColorChoice: ExpressibleByArgument {}

/// `inquest show`: reads a report.
struct Show: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Read a report; without an argument the newest.",
    discussion: "A report is named by its file, its id or the beginning of it, or the process' pid."
  )

  @Argument(
    help: ArgumentHelp("A file, an id, a pid, or \"-\" for stdin.", valueName: "report"),
    completion: .file(extensions: ["json"]))
  var key: String?
  @Flag(help: "Every thread and every frame, nothing folded.")
  var allThreads = false
  @Flag(help: "Registers and memory, whatever the crash was.")
  var registers = false
  @Flag(help: "The report as it is, in JSON.")
  var json = false
  @Option(help: "Colours.")
  var color: ColorChoice = .auto
  @Option(help: "Where reports are.", completion: .directory)
  var dir: String?

  func run() throws {
    let (bytes, path) = try read()
    let report: Report
    do throws(ReportError) {
      report = try Report(json: bytes)
    } catch {
      throw Failure("\(path ?? "stdin"): \(error)")
    }
    guard !json else { return try Console.print(bytes) }
    let colored = color.enabled(
      environment: Console.environment, isTerminal: Console.isTerminal(STDOUT_FILENO))
    let options = TextOptions(
      color: colored, width: min(Console.size().columns, 160), allThreads: allThreads,
      registers: registers, path: path, source: SourceFiles.lines,
      isNewer: SourceFiles.isNewer)
    try Pager.show(TextRenderer(options: options).render(report))
  }

  /// The report's bytes, and its path unless it came from stdin.
  private func read() throws(Failure) -> (bytes: [UInt8], path: String?) {
    if key == "-" {
      guard let bytes = Console.read(STDIN_FILENO) else {
        throw Failure("cannot read stdin: \(String(cString: strerror(errno)))")
      }
      return (bytes, nil)
    }
    let path = try find()
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw unreadable(path, errno) }
    defer { close(descriptor) }
    guard let bytes = Console.read(descriptor) else { throw unreadable(path, errno) }
    return (bytes, path)
  }

  private func unreadable(_ path: String, _ code: Int32) -> Failure {
    switch code {
    case EACCES, EPERM:
      Failure("\(path): no permission to read it; become its owner", .notPermitted)
    default: Failure("\(path): \(String(cString: strerror(code)))")
    }
  }

  private func find() throws(Failure) -> String {
    let directory = ReportDirectory(
      path: dir
        ?? ReportDirectory.standard(environment: Console.environment, userID: geteuid()))
    guard let key else {
      let newest = try Failure.translating { () throws(StoreError) in try directory.newest() }
      guard let newest else {
        throw Failure(
          "no reports yet in \(directory.path); \"inquest run -- CMD\" leaves one when CMD crashes, "
            + "\"inquest capture PID\" makes one now", .noMatch)
      }
      return newest
    }
    // A file named like an id is still a file.
    if key.contains("/") || access(key, F_OK) == 0 { return key }
    return try Failure.translating { () throws(StoreError) in try directory.find(key) }
  }
}

extension Failure {
  init(_ error: StoreError) {
    let status: ExitStatus =
      switch error {
      case .noMatch, .ambiguous: .noMatch
      default: error.isPermission ? .notPermitted : .failure
      }
    self.init(error.description, status)
  }

  static func translating<Result>(
    _ body: () throws(StoreError) -> Result
  ) throws(Failure) -> Result {
    do {
      return try body()
    } catch {
      throw Failure(error)
    }
  }
}
