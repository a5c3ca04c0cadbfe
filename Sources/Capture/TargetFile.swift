import CLinux
import Glibc
import Inferior

/// Opens files at paths that the target has chosen, as it sees them.
enum TargetFile {
  enum Failure: Error, Equatable {
    case notRegular
    case system(errno: Int32)

    var words: String {
      switch self {
      case .notRegular: "it is no regular file"
      case .system(let number): String(cString: strerror(number))
      }
    }
  }

  /// A regular file, for reading.
  ///
  /// Absolute links and `..` stay below the target's root (openat2's RESOLVE_IN_ROOT), and nothing but a
  /// regular file is opened: opening a device or a pipe can do things, or wait.
  ///
  /// - Parameter pid: of a live thread of the target.
  /// - Returns: a descriptor that the caller owns.
  static func open(_ path: String, pid: Int32) throws(Failure) -> CInt {
    let root = inquest_openat(AT_FDCWD, "/proc/\(pid)/root", O_PATH | O_DIRECTORY | O_CLOEXEC, 0)
    guard root >= 0 else { throw .system(errno: inquest_errno()) }
    defer { close(root) }
    let path = seen(path, pid: pid)
    var place = inquest_look_up(root, path)
    if place < 0, inquest_errno() == ENOSYS {
      // A kernel before 5.6: without links at the end at least.
      place = inquest_openat(
        AT_FDCWD, "/proc/\(pid)/root\(path)", O_PATH | O_NOFOLLOW | O_CLOEXEC, 0)
    }
    guard place >= 0 else { throw .system(errno: inquest_errno()) }
    defer { close(place) }
    var status = stat()
    guard fstat(place, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { throw .notRegular }
    let file = inquest_openat(AT_FDCWD, "/proc/self/fd/\(place)", O_RDONLY | O_CLOEXEC, 0)
    guard file >= 0 else { throw .system(errno: inquest_errno()) }
    return file
  }

  /// A path of /proc/PID/maps as the target itself would say it.
  ///
  /// The kernel writes it as the reader sees it; the root of a process in a chroot(2) is a part of that.
  static func seen(_ path: String, pid: Int32) -> String {
    guard let directory = try? ProcessDirectory(pid: pid), let root = directory.link("root"),
      root != "/", path.hasPrefix(root + "/")
    else { return path }
    return String(path.dropFirst(root.count))
  }
}
