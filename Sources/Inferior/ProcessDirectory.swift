import CLinux

/// /proc/PID, held open: what is read through it is about the same process even if the pid is reused.
public struct ProcessDirectory: ~Copyable {
  public let pid: Int32
  let descriptor: CInt

  /// - Throws: ``InferiorError/noSuchProcess(pid:)``, ``InferiorError/foreignProc``.
  public init(pid: Int32) throws(InferiorError) {
    descriptor = inquest_openat(
      AT_FDCWD, "/proc/\(pid)", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
    self.pid = pid
    // Under somebody else's /proc our pid, and every other, would be another process's.
    let seen = Self.link(directory: AT_FDCWD, "/proc/self")
    if let seen, seen != "\(getpid())" { throw .foreignProc }
    // /proc/TID exists for every thread but is not listed: only a thread group leader is a process.
    guard pid > 0, descriptor >= 0, status()?.threadGroupID == pid else {
      throw .noSuchProcess(pid: pid)
    }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// The bytes of a file below the directory, at most `limit` of them; nil if it cannot be read.
  public func contents(of name: String, limit: Int = 1 << 20) -> [UInt8]? {
    Self.read(directory: descriptor, path: name, limit: limit)
  }

  /// The target of a link below the directory, such as `exe`; nil if it cannot be read.
  public func link(_ name: String) -> String? {
    Self.link(directory: descriptor, name)
  }

  private static func link(directory: CInt, _ name: String) -> String? {
    let bytes = [UInt8](unsafeUninitializedCapacity: 4096) { buffer, filled in
      filled = buffer.withMemoryRebound(to: CChar.self) {
        $0.baseAddress.map { max(0, readlinkat(directory, name, $0, 4096)) } ?? 0
      }
    }
    return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
  }

  /// Opens a file below the directory for reading; the caller owns the descriptor. -1 if it cannot.
  public func open(_ name: String) -> CInt {
    inquest_openat(descriptor, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0)
  }

  /// Opens what is below the directory without touching it (O_PATH); the caller owns the descriptor.
  public func lookAt(_ name: String) -> CInt {
    inquest_openat(descriptor, name, O_PATH | O_CLOEXEC, 0)
  }

  /// How many threads there are now, an exited leader among them; nil if the process is gone.
  public func threadCount() -> Int? {
    // The kernel counts each thread as a link beside the usual two (proc_task_getattr).
    let links = inquest_link_count(descriptor, "task")
    return links > 2 ? Int(links) - 2 : nil
  }

  /// How many descriptors are open; nil where that may not be asked.
  public func openFiles() -> Int? {
    // Since Linux 6.2 the directory's size (proc_pid_fd(5)); before, it had none.
    let size = inquest_file_size(descriptor, "fd")
    return size > 0 ? Int(size) : numbers(in: "fd")?.count
  }

  /// The ids of the threads there are now, in the kernel's order.
  public func threadIDs() -> [Int32] {
    (numbers(in: "task") ?? []).filter { $0 > 0 }
  }

  /// The names in a directory that are numbers, in the kernel's order; nil if it cannot be read.
  private func numbers(in name: String) -> [Int32]? {
    let directory = inquest_openat(descriptor, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
    guard directory >= 0 else { return nil }
    guard let stream = fdopendir(directory) else {
      close(directory)
      return nil
    }
    defer { closedir(stream) }
    var numbers: [Int32] = []
    while let entry = readdir(stream) {
      // Numbers, but for "." and "..".
      withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) {
          if $0[0] != CChar(UInt8(ascii: ".")) { numbers.append(atoi($0)) }
        }
      }
    }
    return numbers
  }

  /// Reads a file of any path, at most `limit` bytes; nil if it cannot be opened.
  public static func read(path: String, limit: Int) -> [UInt8]? {
    read(directory: AT_FDCWD, path: path, limit: limit)
  }

  private static func read(directory: CInt, path: String, limit: Int) -> [UInt8]? {
    let file = inquest_openat(directory, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes: [UInt8] = []
    while bytes.count < limit {
      // /proc files give at most a page or so a call, and no size beforehand.
      let chunk = [UInt8](unsafeUninitializedCapacity: min(65536, limit - bytes.count)) {
        buffer, filled in
        filled = max(0, CLinux.read(file, buffer.baseAddress, buffer.count))
      }
      if chunk.isEmpty { break }
      bytes += chunk
      // What fits into a page comes whole: a second call only to hear that is half the cost.
      if limit <= 4096 { break }
    }
    return bytes
  }
}
