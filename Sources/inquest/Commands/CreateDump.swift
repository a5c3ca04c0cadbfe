import ArgumentParser
import Glibc

/// `inquest createdump`: stands in for the .NET runtime's createdump.
struct CreateDump: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "createdump",
    abstract: "Take the .NET runtime's createdump arguments and report instead.",
    discussion: "For callers that can choose their dump tool. All arguments are createdump's own.")

  @Argument(
    parsing: .captureForPassthrough,
    help: ArgumentHelp("createdump's arguments.", valueName: "arguments"))
  var arguments: [String] = []

  func run() throws {
    try Self.execute(arguments)
  }

  /// Hands all arguments on, uninterpreted: flags of runtimes that do not exist yet, and --help, too.
  static func execute(_ arguments: [String]) throws(Failure) -> Never {
    let collector = try Layout().collector()
    Environment.forCollector()
    let code = Execute.replace(collector, [collector, "createdump", "--"] + arguments)
    throw Failure("\(collector): \(String(cString: strerror(code)))")
  }
}
