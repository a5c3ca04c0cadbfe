/// Why the runtime's debugging library could not be used.
public enum DacError: Error, Equatable, Sendable {
  /// There is none where it should be; the path.
  case missing(String)
  /// Its path, and the system's words.
  case unreadable(String, why: String)
  /// It belongs to another build of the runtime: their version strings.
  case otherVersion(library: String, runtime: String)
  /// The loader's words, or ours.
  case notLoadable(String)
  /// It does not accept the process; its HRESULT.
  case refused(code: UInt32)
  /// Loading it would run foreign code with more rights than the target has; what stands in the way of
  /// giving them up.
  case notPermitted(String)
}

extension DacError: CustomStringConvertible {
  /// One line: what is wrong.
  public var description: String {
    switch self {
    case .missing(let path): "the runtime's debugging library is not there: \(path)"
    case .unreadable(let path, let why):
      "the runtime's debugging library cannot be read: \(path): \(why)"
    case .otherVersion(let library, let runtime):
      "the runtime's debugging library is of another version: \(library), the runtime \(runtime)"
    case .notLoadable(let words): "the runtime's debugging library cannot be loaded: \(words)"
    case .refused(let code):
      "the runtime's debugging library does not accept the process (0x\(String(code, radix: 16)))"
    case .notPermitted(let words):
      "the runtime's debugging library is not loaded with more rights than the process has: \(words)"
    }
  }

  /// One line: what would help.
  public var remedy: String {
    switch self {
    case .missing:
      "put libmscordaccore.so of the same version beside libcoreclr.so; a trimmed or single-file "
        + "deployment leaves it out"
    case .unreadable:
      "make it a file that the service's user can read, or install the runtime again"
    case .otherVersion:
      "restart the service if the runtime was updated under it; else install both from one package"
    case .notLoadable: "install the runtime again from its package"
    case .refused: "report it with this report; the runtime may have been starting or ending"
    case .notPermitted: "run inquest as the service's user, or inside its container"
    }
  }
}
