import CLinux
import Glibc
import Memory

/// Opens the file behind an image, wherever the process sees it.
enum ImageFile {
  /// - Returns: a descriptor that the caller owns, or nil.
  ///
  /// First through the process's own root, which is right in every mount namespace; then, for a file
  /// that was deleted or replaced, through the mapping itself (/proc/PID/map_files needs privilege).
  static func open(_ image: Image, pid: Int32, liveThread: Int32) -> CInt? {
    guard image.path.hasPrefix("/") else { return nil }
    let path = TargetFile.seen(image.path, pid: liveThread)
    var candidates = ["/proc/\(pid)/task/\(liveThread)/root\(path)"]
    if let first = image.mappings.first {
      let range = String(first.start, radix: 16) + "-" + String(first.end, radix: 16)
      let mapped = "/proc/\(pid)/map_files/\(range)"
      if image.isDeleted { candidates.insert(mapped, at: 0) } else { candidates.append(mapped) }
    }
    for path in candidates {
      // Without a build-id only the inode tells whether this is still the file that was mapped.
      let inode = image.buildID == nil ? image.mappings.first?.inode : nil
      if let file = openRegularFile(path, inode: inode) { return file }
    }
    return nil
  }

  /// Opens nothing but a regular file: the path is the target's choice, and opening a device or a pipe
  /// can do things. O_PATH looks without touching (open(2)).
  private static func openRegularFile(_ path: String, inode: UInt64?) -> CInt? {
    let place = inquest_openat(AT_FDCWD, path, O_PATH | O_CLOEXEC, 0)
    guard place >= 0 else { return nil }
    defer { close(place) }
    var status = stat()
    guard fstat(place, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
      inode == nil || inode == UInt64(status.st_ino)
    else { return nil }
    let file = inquest_openat(AT_FDCWD, "/proc/self/fd/\(place)", O_RDONLY | O_CLOEXEC, 0)
    return file >= 0 ? file : nil
  }
}
