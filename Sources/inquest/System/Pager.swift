import Glibc

/// Shows text that is longer than the screen, as git and systemd do.
enum Pager {
  /// Writes `text` to stdout: through `$PAGER`, or `less -FRX`, when stdout is a terminal that the
  /// text does not fit on; directly otherwise.
  static func show(_ text: String) throws(Failure) {
    let rows = Console.size().rows
    let lines = text.utf8.lazy.filter { $0 == UInt8(ascii: "\n") }.count
    guard Console.isTerminal(STDOUT_FILENO), Console.environment("TERM") != "dumb", rows > 0,
      lines >= rows, try page(text)
    else { return try Console.print(text) }
  }

  /// - Returns: false when there is no pager to be had.
  private static func page(_ text: String) throws(Failure) -> Bool {
    let pager = Console.environment("PAGER") ?? "less -FRX"
    guard !pager.isEmpty, pager != "cat" else { return false }
    // A user's "less" without options gets the ones that colours and short texts need.
    if Console.environment("LESS") == nil { setenv("LESS", "FRX", 1) }
    guard let stream = popen(pager, "w") else { return false }
    // The pager may quit before it has read everything, and an interrupt is meant for it. After the
    // start, because it would inherit both.
    signal(SIGPIPE, SIG_IGN)
    signal(SIGINT, SIG_IGN)
    _ = Console.write(text, to: fileno(stream))
    let status = pclose(stream)
    signal(SIGPIPE, SIG_DFL)
    signal(SIGINT, SIG_DFL)
    // 127 from the shell: there is no such pager, and nothing has been shown.
    return !(status & 0x7f == 0 && (status >> 8) & 0xff == 127)
  }
}
