internal import Glibc

/// An open file that closes itself.
struct Descriptor: ~Copyable {
  let number: Int32

  init(_ number: Int32) {
    self.number = number
  }

  deinit {
    // Never retried: on Linux the number is free again even after EINTR.
    _ = Glibc.close(number)
  }

  /// Writes everything, in as many calls as it takes.
  func write(_ contents: some ReportContents, path: String) throws(StoreError) {
    try contents.forEachPiece { (piece) throws(StoreError) in
      var rest = piece[...]
      while !rest.isEmpty {
        let start = UnsafeRawBufferPointer(rebasing: rest).baseAddress
        let count = Glibc.write(number, start, rest.count)
        if count < 0 {
          if errno == EINTR { continue }
          throw StoreError.from(errno, path: path)
        }
        rest = rest.dropFirst(count)
      }
    }
  }

  /// Closes it where that can still be heard: network file systems report a full disk only here.
  consuming func close(path: String) throws(StoreError) {
    let number = number
    discard self
    // Never retried, as in the deinit; EINTR says nothing about the data.
    if Glibc.close(number) != 0, errno != EINTR { throw .from(errno, path: path) }
  }

  /// The data reaches the disk, or the caller hears that it did not: some file systems report a full
  /// disk only here.
  func sync(path: String) throws(StoreError) {
    while fsync(number) != 0 {
      switch errno {
      case EINTR: continue
      case EINVAL, ENOTSUP: return  // A file system that does not sync; nothing to be done.
      case let code: throw .from(code, path: path)
      }
    }
  }
}
