internal import Glibc

/// The temporary file and rename behind every report, and fsync for those of the report directory.
enum AtomicFile {
  /// Starts with a dot and does not end in `.json`: what a killed writer leaves behind never looks
  /// like a report.
  static func temporaryName() -> String {
    ".inquest-" + String(UInt64.random(in: .min ... .max), radix: 16) + ".tmp"
  }

  /// Deletes what writers that were killed have left: nobody else would. Only what is older than any
  /// collection can be.
  static func removeLeftovers(in directory: borrowing Descriptor) {
    let hour = 3600
    let listing = openat(directory.number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard listing >= 0 else { return }
    guard let stream = fdopendir(listing) else {
      close(listing)
      return
    }
    defer { closedir(stream) }
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard name.hasPrefix(".inquest-"), name.hasSuffix(".tmp") else { continue }
      var status = stat()
      guard fstatat(directory.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0,
        status.st_mode & S_IFMT == S_IFREG, status.st_mtim.tv_sec < time(nil) - hour
      else { continue }
      _ = unlinkat(directory.number, name, 0)
    }
  }

  /// - Parameter path: what the message of an error names.
  static func create(
    _ name: String, in directory: borrowing Descriptor, path: String
  ) throws(StoreError) -> Descriptor {
    let number = openat(
      directory.number, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    // /proc and other odd file systems say ENOENT.
    guard number >= 0 else {
      throw errno == ENOENT ? .notWritable(path: path) : .from(errno, path: path)
    }
    return Descriptor(number)
  }

  /// - Parameter replace: a file that the user named: an existing one gives way, else a number is added to the
  ///   name.
  /// - Returns: the name that the file got.
  static func write(
    _ bytes: some ReportContents, name: String, in directory: borrowing Descriptor, path: String,
    replace: Bool
  ) throws(StoreError) -> String {
    let temporary = temporaryName()
    let file = try create(temporary, in: directory, path: path)
    do throws(StoreError) {
      // The umask of a dying service is anybody's guess.
      _ = fchmod(file.number, 0o600)
      try file.write(bytes, path: path)
      // Of a report nobody waits for, the machine may be next to fail; a file that the user asked for is the
      // user's to sync, like any command's, and 10 MB of it take as long as freezing 300 threads.
      if !replace { try file.sync(path: path) }
      try file.close(path: path)
      let final =
        replace
        ? try rename(temporary, to: name, in: directory, path: path)
        : try renameToFreeName(temporary, name: name, in: directory, path: path)
      // The report is there; that its directory entry may be lost in a power cut is no failure.
      if !replace { _ = fsync(directory.number) }
      return final
    } catch {
      _ = unlinkat(directory.number, temporary, 0)
      throw error
    }
  }

  private static func rename(
    _ temporary: String, to name: String, in directory: borrowing Descriptor, path: String
  ) throws(StoreError) -> String {
    guard renameat(directory.number, temporary, directory.number, name) == 0 else {
      throw .from(errno, path: path)
    }
    return name
  }

  /// Two crashes in the same millisecond must both be kept (facts/field-bugs.md, 31).
  private static func renameToFreeName(
    _ temporary: String, name: String, in directory: borrowing Descriptor, path: String
  ) throws(StoreError) -> String {
    let stem = name.hasSuffix(".json") ? String(name.dropLast(5)) : name
    let suffix = name.hasSuffix(".json") ? ".json" : ""
    for attempt in 1...1000 {
      let candidate = attempt == 1 ? name : "\(stem).\(attempt)\(suffix)"
      switch claim(candidate, for: temporary, in: directory) {
      case 0: return candidate
      case EEXIST: continue
      case let code: throw .from(code, path: path)
      }
    }
    throw .failed(path: path, reason: "1000 reports are called \(name)")
  }

  /// Gives the file its name, unless that is taken. link(2), unlike rename(2), refuses an existing
  /// name on every kernel and on NFS.
  private static func claim(
    _ name: String, for temporary: String, in directory: borrowing Descriptor
  ) -> Int32 {
    if linkat(directory.number, temporary, directory.number, name, 0) == 0 {
      _ = unlinkat(directory.number, temporary, 0)
      return 0
    }
    guard errno == EPERM || errno == ENOTSUP || errno == ENOSYS else { return errno }
    // A file system without hard links: the check and the rename are two steps there.
    if faccessat(directory.number, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 { return EEXIST }
    return renameat(directory.number, temporary, directory.number, name) == 0 ? 0 : errno
  }
}
