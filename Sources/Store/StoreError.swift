internal import Glibc

/// Why the report directory, or one file in it, could not be used. Each case is one line: what is
/// wrong, and what would help.
public enum StoreError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The directory is missing and could not be made; `code` is the errno.
  case cannotCreate(path: String, code: Int32)
  /// No permission to write there.
  case notWritable(path: String)
  /// No permission to read there.
  case notReadable(path: String)
  case readOnlyFileSystem(path: String)
  case diskFull(path: String)
  /// A symbolic link stands where the directory or the file should be: somebody may have planted it.
  case symlink(path: String)
  case notADirectory(path: String)
  /// A directory stands where a file should be.
  case isADirectory(path: String)
  /// The directory belongs to another user, who could swap reports behind our back.
  case foreignOwner(path: String, owner: UInt32)
  /// A name that would leave the directory.
  case badName(String)
  /// Anything else, with the system's own words.
  case failed(path: String, reason: String)
  case noMatch(key: String, directory: String)
  /// `candidates` are file names, newest first.
  case ambiguous(key: String, candidates: [String])

  public var description: String {
    switch self {
    case .cannotCreate(let path, let code):
      "cannot create the report directory \(path): \(Self.reason(code)); create it, or set INQUEST_DIR"
    case .notWritable(let path):
      "no permission to write in \(path); change its owner or mode, or set INQUEST_DIR"
    case .notReadable(let path):
      "no permission to read \(path); become the user whose reports these are, or set INQUEST_DIR"
    case .readOnlyFileSystem(let path):
      "\(path) is on a read-only file system; mount a writable volume there, or set INQUEST_DIR"
    case .diskFull(let path):
      "no space left for \(path); delete old reports, or set INQUEST_DIR to another disk"
    case .symlink(let path):
      "\(path) is a symbolic link, which may have been planted; name the real path instead"
    case .notADirectory(let path):
      "\(path) is not a directory; remove it, or set INQUEST_DIR"
    case .isADirectory(let path):
      "\(path) is a directory; name a file inside it"
    case .foreignOwner(let path, let owner):
      "\(path) belongs to user \(owner), not to us; change its owner, or set INQUEST_DIR"
    case .badName(let name):
      "\"\(name.prefix(80))\" is not a file name; it must not contain a slash"
    case .failed(let path, let reason):
      "cannot use \(path): \(reason)"
    case .noMatch(let key, let directory):
      "no report in \(directory) has the id or pid \"\(key.prefix(80))\"; "
        + "\"inquest show\" shows the newest"
    case .ambiguous(let key, let candidates):
      "\"\(key)\" fits \(candidates.count) reports; add characters to the id: "
        + candidates.prefix(4).joined(separator: ", ") + (candidates.count > 4 ? ", …" : "")
    }
  }

  /// Whether permissions are the reason, for which commands have an exit status of their own.
  public var isPermission: Bool {
    switch self {
    case .notWritable, .notReadable, .foreignOwner: true
    case .cannotCreate(_, let code): code == EACCES || code == EPERM
    default: false
    }
  }

  /// What a failed system call on `path` means for a reader of the message.
  static func from(_ code: Int32, path: String) -> StoreError {
    switch code {
    case EACCES, EPERM: .notWritable(path: path)
    case EROFS: .readOnlyFileSystem(path: path)
    case ENOSPC, EDQUOT: .diskFull(path: path)
    case ELOOP: .symlink(path: path)
    case ENOTDIR: .notADirectory(path: path)
    case EISDIR: .isADirectory(path: path)
    default: .failed(path: path, reason: reason(code))
    }
  }

  static func reason(_ code: Int32) -> String {
    strerror(code).map { String(cString: $0) } ?? "error \(code)"
  }
}
