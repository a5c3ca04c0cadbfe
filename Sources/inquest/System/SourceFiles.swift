import CLinux
import Glibc

/// Source files that a report names, as far as they exist here.
enum SourceFiles {
  /// The lines of a file; nil unless it is a small regular file with a source file's name. The name
  /// comes from a report that may be anybody's: it must not make us read a device or a secret.
  @Sendable static func lines(of path: String) -> [String]? {
    guard path.hasPrefix("/"), isSource(path) else { return nil }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
      status.st_size < 4 << 20, let bytes = Console.read(descriptor, limit: 4 << 20)
    else { return nil }
    return bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map {
      line in
      String(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line, as: UTF8.self)
    }
  }

  /// Whether a file was written after a time as reports give it; false where nobody can say.
  @Sendable static func isNewer(_ path: String, than time: String) -> Bool {
    var status = stat()
    var parts = tm()
    guard stat(path, &status) == 0 else { return false }
    var seconds = status.st_mtim.tv_sec
    guard gmtime_r(&seconds, &parts) != nil else { return false }
    var text = [CChar](repeating: 0, count: 32)
    let count = strftime(&text, text.count, "%Y-%m-%dT%H:%M:%S", &parts)
    // The order of such times is that of their texts; a report made in the same second is later.
    return String(decoding: text.prefix(count).map(UInt8.init), as: UTF8.self) > time
  }

  private static func isSource(_ path: String) -> Bool {
    guard let dot = path.lastIndex(of: ".") else { return false }
    return [
      "c", "cc", "cpp", "cxx", "h", "hh", "hpp", "hxx", "inc", "inl", "cs", "fs", "vb", "rs", "go",
      "swift", "s", "S", "asm", "m", "mm", "zig", "d", "java", "kt", "py", "razor", "cshtml",
    ].contains(String(path[path.index(after: dot)...]))
  }
}
