import Glibc
import Render

/// The process' own standard streams.
enum Console {
  static func environment(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }

  /// One line on stderr. What it quotes may come from anywhere, so control characters are shown, not
  /// sent.
  static func complain(_ message: String) {
    _ = write("inquest: " + Terminal.harmless(message) + "\n", to: STDERR_FILENO)
  }

  /// Data for stdout. A reader that has seen enough (`| head`) ends us without a word.
  static func print(_ bytes: [UInt8]) throws(Failure) {
    switch write(bytes, to: STDOUT_FILENO) {
    case 0: return
    case EPIPE: Glibc.exit(ExitStatus.done.rawValue)
    case let code: throw Failure("cannot write to stdout: \(String(cString: strerror(code)))")
    }
  }

  static func print(_ text: String) throws(Failure) {
    try print(Array(text.utf8))
  }

  static func write(_ text: String, to descriptor: Int32) -> Int32 {
    write(Array(text.utf8), to: descriptor)
  }

  /// - Returns: 0 or the errno.
  static func write(_ bytes: [UInt8], to descriptor: Int32) -> Int32 {
    bytes.withUnsafeBytes { buffer in
      var rest = buffer[...]
      while !rest.isEmpty {
        let start = UnsafeRawBufferPointer(rebasing: rest).baseAddress
        let count = Glibc.write(descriptor, start, rest.count)
        if count < 0 {
          if errno == EINTR { continue }
          return errno
        }
        rest = rest.dropFirst(count)
      }
      return 0
    }
  }

  /// Everything that can be read; nil with errno set when reading fails.
  static func read(_ descriptor: Int32, limit: Int = .max) -> [UInt8]? {
    var result: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while result.count < limit {
      let count = Glibc.read(descriptor, &buffer, min(buffer.count, limit - result.count))
      if count < 0 {
        if errno == EINTR { continue }
        return nil
      }
      if count == 0 { break }
      result += buffer[..<count]
    }
    return result
  }

  static func isTerminal(_ descriptor: Int32) -> Bool {
    isatty(descriptor) == 1
  }

  /// Columns and rows of the terminal behind stdout. COLUMNS speaks where there is none.
  static func size() -> (columns: Int, rows: Int) {
    var window = winsize()
    if ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &window) == 0, window.ws_col > 0 {
      return (Int(window.ws_col), Int(window.ws_row))
    }
    return (environment("COLUMNS").flatMap { Int($0) } ?? 100, 0)
  }
}
