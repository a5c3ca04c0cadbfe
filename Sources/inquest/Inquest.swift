import ArgumentParser
import Glibc
import Report

/// The command line. Each command is one file in `Commands`.
@main
struct Inquest: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inquest",
    abstract: "Finds out why a Linux process died.",
    discussion: """
      "inquest run -- CMD" starts a service that leaves a report when it crashes; "inquest show" \
      reads the newest report; "inquest doctor" says whether a crash could be reported here.
      """,
    version: Version.current,
    subcommands: [
      Run.self, Capture.self, Show.self, CreateDump.self, Doctor.self,
    ]
  )

  static func main() {
    let arguments = Arguments.current
    do {
      // Before the parser sees them: these arguments are createdump's, down to --help.
      if arguments.first == CreateDump.configuration.commandName {
        try CreateDump.execute(Array(arguments.dropFirst()))
      }
      if arguments.first == TrialTarget.name, let role = arguments.dropFirst().first {
        try TrialTarget.play(role)
        return
      }
      var command = try parseAsRoot(arguments)
      try command.run()
    } catch let failure as Failure {
      Console.complain(failure.message)
      Glibc.exit(failure.status.rawValue)
    } catch {
      guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
      // The parser would add three lines of usage; one says what is wrong, and where to read on.
      let first = message(for: error).split(separator: "\n").first.map(String.init) ?? "usage"
      let known = configuration.subcommands.compactMap { $0.configuration.commandName }
      let command = arguments.first.flatMap { known.contains($0) ? " " + $0 : nil } ?? ""
      Console.complain("\(first); see inquest help\(command)")
      Glibc.exit(ExitCode.validationFailure.rawValue)
    }
  }
}
