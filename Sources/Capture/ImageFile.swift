import CLinux
import Memory

/// Opens the file behind an image, wherever the process sees it.
enum ImageFile {
  /// - Returns: a descriptor that the caller owns, or nil.
  ///
  /// First through the process's own root, which is right in every mount namespace; then, for a file
  /// that was deleted or replaced, through the mapping itself (/proc/PID/map_files needs privilege).
  static func open(_ image: Image, pid: Int32, liveThread: Int32) -> CInt? {
    guard image.path.hasPrefix("/") else { return nil }
    var candidates = ["/proc/\(pid)/task/\(liveThread)/root\(image.path)"]
    if let first = image.mappings.first {
      let range = String(first.start, radix: 16) + "-" + String(first.end, radix: 16)
      let mapped = "/proc/\(pid)/map_files/\(range)"
      if image.isDeleted { candidates.insert(mapped, at: 0) } else { candidates.append(mapped) }
    }
    for path in candidates {
      let file = inquest_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0)
      if file >= 0 { return file }
    }
    return nil
  }
}
