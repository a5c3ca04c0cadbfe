import Glibc

/// The command line, as the kernel has it.
enum Arguments {
  /// What follows the program's name.
  ///
  /// Not from `CommandLine.arguments`: a statically linked Swift runtime finds them by walking back
  /// from `environ`, and loses them all when a preloaded library, ours among them, has put another
  /// array there. In a container with LD_PRELOAD set, "inquest show ID" would have shown the help.
  static var current: [String] {
    raw?.dropFirst().map { String(decoding: $0, as: UTF8.self) } ?? fallback
  }

  /// The last `count` arguments as they are; nil if they cannot be read.
  static func last(_ count: Int) -> [[UInt8]]? {
    raw.flatMap { $0.count > count ? Array($0.suffix(count)) : nil }
  }

  /// The program's name and its arguments.
  private static var raw: [[UInt8]]? {
    let descriptor = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    guard let bytes = Console.read(descriptor), bytes.last == 0 else { return nil }
    return bytes.dropLast().split(separator: 0, omittingEmptySubsequences: false).map { Array($0) }
  }

  /// Not even our own name is there: then the runtime has lost them all, and "no arguments" would be
  /// wrong.
  private static var fallback: [String] {
    if CommandLine.arguments.isEmpty {
      Console.complain("cannot read my own arguments; mount /proc")
      exit(1)
    }
    return Array(CommandLine.arguments.dropFirst())
  }
}
