import CLinux
import Glibc
public import Store

/// The two standard streams: data on the first, everything else on the second.
public enum Console {
  /// One line on standard error, prefixed with our name.
  ///
  /// In a crash standard error is the service's: a pipe that nobody reads must not make the service's
  /// death wait, so a line that cannot be written at once is dropped.
  public static func complain(_ line: String) {
    // Names from the target end up in here: nothing of theirs may steer a terminal.
    let clean = line.unicodeScalars.map { isHarmless($0.value) ? String($0) : " " }
    let bytes = Array("inquest: \(clean.joined())\n".utf8)
    guard takesWords(STDERR_FILENO), inquest_poll(STDERR_FILENO, Int16(POLLOUT), 100) == 1 else {
      return
    }
    _ = write(STDERR_FILENO, bytes, bytes.count)
  }

  /// False where a descriptor is hardly anybody's log. A daemon that has closed all of them may have its data
  /// under number 2 (a file opened for reading, too), and what inetd starts has its client there.
  static func takesWords(_ descriptor: CInt) -> Bool {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return false }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return fcntl(descriptor, F_GETFL) & O_ACCMODE == O_WRONLY
    case S_IFSOCK:
      var domain: CInt = 0
      var size = socklen_t(MemoryLayout<CInt>.size)
      let isKnown = getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0
      return isKnown && domain == AF_UNIX
    default: return true
    }
  }

  /// False for control characters, the 8-bit ones among them, and for those that turn text around.
  private static func isHarmless(_ scalar: UInt32) -> Bool {
    switch scalar {
    case 0..<0x20, 0x7f...0x9f, 0x200e...0x200f, 0x2028...0x202e, 0x2066...0x2069: false
    default: true
    }
  }

  /// Everything to standard output; false when that fails.
  public static func output(_ contents: some ReportContents) -> Bool {
    var isWhole = true
    contents.forEachPiece { piece in
      var rest = piece[...]
      while isWhole, !rest.isEmpty {
        let count = write(
          STDOUT_FILENO, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        if count < 0, errno == EINTR { continue }
        if count <= 0 { isWhole = false } else { rest = rest.dropFirst(count) }
      }
    }
    return isWhole
  }
}
