import CLinux
import Glibc

/// The two standard streams: data on the first, everything else on the second.
public enum Console {
  /// One line on standard error, prefixed with our name.
  ///
  /// In a crash standard error is the service's: a pipe that nobody reads must not make the service's
  /// death wait, so a line that cannot be written at once is dropped.
  public static func complain(_ line: String) {
    // Names from the target end up in here: nothing of theirs may steer a terminal.
    let clean = line.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7f ? " " : String($0) }
    let bytes = Array("inquest: \(clean.joined())\n".utf8)
    guard inquest_poll(STDERR_FILENO, Int16(POLLOUT), 100) == 1 else { return }
    _ = write(STDERR_FILENO, bytes, bytes.count)
  }

  /// Everything to standard output; false when that fails.
  public static func output(_ bytes: [UInt8]) -> Bool {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        write(STDOUT_FILENO, $0.baseAddress.map { $0 + sent }, $0.count - sent)
      }
      if count < 0, errno == EINTR { continue }
      if count <= 0 { return false }
      sent += count
    }
    return true
  }
}
