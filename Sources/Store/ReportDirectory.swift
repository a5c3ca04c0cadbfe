internal import Glibc

/// The directory that reports are kept in: 0700, its files 0600, written so that a reader never sees
/// half a report and a symbolic link never leads us elsewhere.
///
/// Runs in the crash path, so it has no Foundation and holds no descriptor between calls.
public struct ReportDirectory: Sendable {
  public let path: String

  public init(path: String) {
    // A trailing slash would make open(2) follow a symbolic link in spite of O_NOFOLLOW.
    var text = path[...]
    while text.utf8.count > 1, text.last == "/" { text.removeLast() }
    self.path = text.isEmpty ? "." : String(text)
  }

  /// Where reports go: `INQUEST_DIR`, else `/var/lib/inquest` for root, else
  /// `$XDG_STATE_HOME/inquest`, else `~/.local/state/inquest`. A user without any home directory (an
  /// arbitrary uid in a container) gets a directory of its own under `/tmp`.
  ///
  /// - Parameters:
  ///   - environment: looks a variable up.
  ///   - userID: the effective user.
  public static func standard(environment: (String) -> String?, userID: UInt32) -> String {
    func absolute(_ name: String) -> String? {
      environment(name).flatMap { $0.hasPrefix("/") ? $0 : nil }
    }
    if let chosen = environment("INQUEST_DIR"), !chosen.isEmpty { return chosen }
    if userID == 0 { return "/var/lib/inquest" }
    // The XDG specification wants relative values ignored.
    if let state = absolute("XDG_STATE_HOME") { return join(state, "inquest") }
    if let home = absolute("HOME") ?? passwordEntryHome(userID) {
      return join(home, ".local/state/inquest")
    }
    return "/tmp/inquest-\(userID)"
  }

  private static func join(_ directory: String, _ name: String) -> String {
    directory.hasSuffix("/") ? directory + name : directory + "/" + name
  }

  private static func passwordEntryHome(_ userID: UInt32) -> String? {
    var entry = passwd()
    var result: UnsafeMutablePointer<passwd>?
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 16384) { buffer in
      guard getpwuid_r(userID, &entry, buffer.baseAddress!, buffer.count, &result) == 0,
        result != nil, let home = entry.pw_dir
      else { return nil }
      let text = String(cString: home)
      return text.hasPrefix("/") ? text : nil
    }
  }

  /// Creates the directory where it is missing, and checks that a report can be written there.
  ///
  /// The check creates and deletes a file: permission bits say little about /proc, a full quota or a
  /// read-only mount.
  public func prepare() throws(StoreError) {
    let directory = try open(creating: true)
    let probe = AtomicFile.temporaryName()
    let file = try AtomicFile.create(probe, in: directory, path: path)
    _ = unlinkat(directory.number, probe, 0)
    _ = consume file
    AtomicFile.removeLeftovers(in: directory)
  }

  /// Writes one report: temporary file, fsync, rename, fsync of the directory.
  ///
  /// - Parameters:
  ///   - json: the file's bytes.
  ///   - name: from ``fileName(process:pid:unixSeconds:id:)``. Where that file exists already, a
  ///     number is added: a report never replaces another.
  /// - Returns: the full path.
  public func write(_ json: some ReportContents, name: String) throws(StoreError) -> String {
    let leaves = name.utf8.contains { $0 == UInt8(ascii: "/") || $0 == 0 }
    guard !name.isEmpty, name != ".", name != "..", !leaves else { throw .badName(name) }
    let directory = try open(creating: true)
    let final = try AtomicFile.write(json, name: name, in: directory, path: path, replace: false)
    return path == "/" ? "/" + final : path + "/" + final
  }

  /// Writes one report to a file that the user named, with the same care; an existing regular file is
  /// replaced as a whole, a device or a pipe is written to, and a symbolic link is refused.
  public static func write(_ json: some ReportContents, toFile path: String) throws(StoreError) {
    let (parent, name) = split(path)
    guard !name.isEmpty, name != ".", name != ".." else { throw .isADirectory(path: path) }
    // Links, too, but the kernel's own: nobody can plant one there.
    let streams = ["/dev/stdout", "/dev/stderr", "/dev/fd/", "/proc/self/fd/"]
    if streams.contains(where: path.hasPrefix) {
      return try writeInPlace(json, path: path, flags: 0)
    }
    let number = Glibc.open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard number >= 0 else {
      throw errno == ENOENT
        ? .failed(path: path, reason: "the directory \(parent) does not exist")
        : .from(errno, path: parent)
    }
    let directory = Descriptor(number)
    var status = stat()
    if fstatat(directory.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0 {
      switch status.st_mode & S_IFMT {
      case S_IFREG: break
      case S_IFLNK: throw .symlink(path: path)
      case S_IFDIR: throw .isADirectory(path: path)
      // Renaming over a device would replace it: root would lose /dev/null.
      default: return try writeInPlace(json, path: path, flags: O_NOFOLLOW)
      }
    }
    _ = try AtomicFile.write(json, name: name, in: directory, path: path, replace: true)
  }

  private static func writeInPlace(
    _ json: some ReportContents, path: String, flags: Int32
  ) throws(StoreError) {
    let number = Glibc.open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | flags)
    guard number >= 0 else { throw .from(errno, path: path) }
    try Descriptor(number).write(json, path: path)
  }

  private static func split(_ path: String) -> (parent: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return (".", path) }
    let parent = path[..<slash]
    return (parent.isEmpty ? "/" : String(parent), String(path[path.index(after: slash)...]))
  }
}

extension ReportDirectory {
  /// Opens the directory and makes sure that it is one, that it is not a link, and that nobody but
  /// us and root decides what lies in it.
  private func open(creating: Bool) throws(StoreError) -> Descriptor {
    let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
    var number = Glibc.open(path, flags)
    if number < 0, errno == ENOENT, creating {
      try create()
      number = Glibc.open(path, flags)
    }
    guard number >= 0 else {
      let code = errno
      // O_DIRECTORY with O_NOFOLLOW says ENOTDIR for a link, too.
      var status = stat()
      if lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFLNK {
        throw .symlink(path: path)
      }
      throw .from(code, path: path)
    }
    let directory = Descriptor(number)
    var status = stat()
    guard fstat(directory.number, &status) == 0 else { throw .from(errno, path: path) }
    // root's own directories stay allowed whatever their mode: a Kubernetes emptyDir is 0777.
    guard status.st_uid == geteuid() || status.st_uid == 0 else {
      throw .foreignOwner(path: path, owner: status.st_uid)
    }
    return directory
  }

  /// `mkdir -p`, with 0700 for the last component. Services like to run with umask 0, so the parents'
  /// mode does not rely on it.
  private func create() throws(StoreError) {
    var end = path.startIndex
    while end != path.endIndex {
      let next = path.index(after: end)
      end = path[next...].firstIndex(of: "/") ?? path.endIndex
      let part = String(path[..<end])
      guard mkdir(part, end == path.endIndex ? 0o700 : 0o755) != 0 else { continue }
      switch errno {
      case EEXIST: continue
      // The last component may exist even so; opening it tells. A parent that is a file, too.
      case EROFS: throw .readOnlyFileSystem(path: path)
      case ENOSPC, EDQUOT: throw .diskFull(path: path)
      case let code: throw .cannotCreate(path: path, code: code)
      }
    }
  }
}
