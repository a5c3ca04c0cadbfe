import Glibc

/// Where the parts of Inquest lie, found from this executable: an installed tree works from any
/// prefix and after it was moved, and so does a build directory.
struct Layout {
  /// The directory of this executable.
  let directory: String

  init() throws(Failure) {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
    guard count > 0 else {
      throw Failure("cannot read /proc/self/exe, and so not find my own parts; mount /proc")
    }
    let path = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    directory = Self.parent(path)
  }

  private var prefix: String { Self.parent(directory) }

  /// The collector: `INQUEST_COLLECTOR`, the installed one, or the one just built.
  func collector() throws(Failure) -> String {
    if let chosen = Console.environment("INQUEST_COLLECTOR"), !chosen.isEmpty {
      guard Self.isFile(chosen, X_OK) else {
        throw Failure("INQUEST_COLLECTOR is \(chosen), which is no executable file; unset it")
      }
      return chosen
    }
    return try find(
      ["\(prefix)/libexec/inquest/inquest-collector", "\(directory)/inquest-collector"], mode: X_OK)
  }

  /// The library for LD_PRELOAD.
  func preload() throws(Failure) -> String {
    try find(
      ["\(prefix)/lib/inquest/\(Self.preloadName)", "\(directory)/\(Self.preloadName)"], mode: R_OK)
  }

  static let preloadName = "libinquest-preload.so"

  private func find(_ candidates: [String], mode: Int32) throws(Failure) -> String {
    if let found = candidates.first(where: { Self.isFile($0, mode) }) { return found }
    throw Failure(
      "a part of Inquest is missing: neither \(candidates.joined(separator: " nor ")) is there; "
        + "install it again, or run \"make\"")
  }

  static func isFile(_ path: String, _ mode: Int32) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
      && access(path, mode) == 0
  }

  private static func parent(_ path: String) -> String {
    guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
    return String(path[..<slash])
  }
}
