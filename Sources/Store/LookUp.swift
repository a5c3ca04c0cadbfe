internal import Glibc

extension ReportDirectory {
  /// The finished reports, newest first. A directory that does not exist yet has none.
  public func reports() throws(StoreError) -> [StoredReport] {
    guard let stream = opendir(path) else {
      switch errno {
      case ENOENT: return []
      case EACCES, EPERM: throw .notReadable(path: path)
      case let code: throw .from(code, path: path)
      }
    }
    defer { closedir(stream) }
    var found: [(report: StoredReport, modified: timespec)] = []
    while let entry = readdir(stream) {
      // Not `entry.pointee.d_name`: that would copy 256 bytes of a record that may be shorter.
      let name = UnsafeRawPointer(entry) + MemoryLayout<dirent>.offset(of: \.d_name)!
      let fileName = String(cString: name.assumingMemoryBound(to: CChar.self))
      guard let report = StoredReport(fileName: fileName, directory: path) else { continue }
      var status = stat()
      guard fstatat(dirfd(stream), fileName, &status, AT_SYMLINK_NOFOLLOW) == 0,
        status.st_mode & S_IFMT == S_IFREG
      else { continue }
      found.append((report, status.st_mtim))
    }
    // The name's time survives a copy of the directory; the file's tells apart what the same second
    // brought.
    return
      found
      .sorted { left, right in
        (left.report.time, left.modified.tv_sec, left.modified.tv_nsec, left.report.path)
          > (right.report.time, right.modified.tv_sec, right.modified.tv_nsec, right.report.path)
      }
      .map(\.report)
  }

  /// The path of the newest report; nil when there is none.
  public func newest() throws(StoreError) -> String? {
    try reports().first?.path
  }

  /// The path of the report that `key` names: an id, the beginning of exactly one id, a file name in
  /// this directory, or a pid (the newest report of it).
  public func find(_ key: String) throws(StoreError) -> String {
    let all = try reports()
    if let exact = all.first(where: { $0.id == key || $0.fileName == key }) { return exact.path }
    if let pid = Int(key), let newest = all.first(where: { $0.pid == pid }) { return newest.path }
    let fits = key.isEmpty ? [] : all.filter { $0.id.hasPrefix(key) }
    guard let only = fits.first else { throw .noMatch(key: key, directory: path) }
    guard fits.count == 1 else { throw .ambiguous(key: key, candidates: fits.map(\.fileName)) }
    return only.path
  }
}
