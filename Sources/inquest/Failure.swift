/// What the command's exit status means; 64 (usage) is the argument parser's.
enum ExitStatus: Int32 {
  case done = 0
  case failure = 1
  case noMatch = 2
  case partial = 3
  case notPermitted = 4
  /// As shells have it: found, but it cannot be executed.
  case notExecutable = 126
  case notFound = 127
}

/// The end of a command: one line for stderr (what is wrong, what would help) and the exit status.
struct Failure: Error {
  let message: String
  let status: ExitStatus

  init(_ message: String, _ status: ExitStatus = .failure) {
    self.message = message
    self.status = status
  }
}
