import Glibc

/// The command line, as the kernel has it.
enum Arguments {
  /// What follows the program's name.
  ///
  /// Not from `CommandLine.arguments`: a statically linked Swift runtime finds them by walking back
  /// from `environ`, and loses them all when a preloaded library, ours among them, has put another
  /// array there. In a container with LD_PRELOAD set, "inquest show ID" would have shown the help.
  static var current: [String] {
    let descriptor = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return Array(CommandLine.arguments.dropFirst()) }
    defer { close(descriptor) }
    guard let bytes = Console.read(descriptor), bytes.last == 0 else {
      return Array(CommandLine.arguments.dropFirst())
    }
    return bytes.dropLast().split(separator: 0, omittingEmptySubsequences: false).dropFirst()
      .map { String(decoding: $0, as: UTF8.self) }
  }
}
