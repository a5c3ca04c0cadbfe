import Glibc
import Inferior
import Report

/// Finds out who sent a signal, if that process still lives.
enum SignalSender {
  /// Bytes of a command line that are read, and of those that are told.
  private static let readLimit = 16 << 10
  private static let limit = 1000

  /// - Parameters:
  ///   - pid: si_pid, which counts in the receiver's PID namespace: in another one it is somebody else's.
  ///   - target: the receiver.
  /// - Returns: nil where it is not to be known; with the sender whether its command line had secrets.
  static func find(
    pid: Int32, userID: UInt32, target: borrowing ProcessDirectory
  ) -> (SignalRecord.Sender, isRedacted: Bool)? {
    guard pid > 0, let space = target.link("ns/pid"),
      let own = try? ProcessDirectory(pid: getpid()), own.link("ns/pid") == space,
      let directory = try? ProcessDirectory(pid: pid)
    else { return nil }
    var sender = SignalRecord.Sender(pid: Int(pid), uid: Int(userID))
    sender.name = ProcessFacts.name(directory)
    guard let line = directory.contents(of: "cmdline", limit: readLimit), !line.isEmpty else {
      return (sender, false)
    }
    let (arguments, hidden) = SecretFilter.redact(ProcessFacts.strings(line))
    sender.command = cut(arguments.joined(separator: " "))
    return (sender, !hidden.isEmpty)
  }

  private static func cut(_ text: String) -> String {
    text.utf8.count <= limit ? text : String(text.prefix(limit)) + "…"
  }
}
