import Glibc
import Store
import Testing

@Suite struct WritingTests {
  let scratch = Scratch()

  @Test func `a missing directory is made for its owner only, with its parents`() throws {
    let directory = ReportDirectory(path: scratch.path + "/a/b/reports")
    try directory.prepare()
    #expect(mode(directory.path) == 0o700)
    #expect(Scratch.names(in: directory.path) == [], "the probe is gone again")
  }

  @Test func `a report is private, whatever the umask`() throws {
    let before = umask(0)
    defer { umask(before) }
    let directory = ReportDirectory(path: scratch.path + "/reports")
    let path = try directory.write(Array("{}".utf8), name: "a-1-20250101T000000Z-x.json")
    #expect(path == directory.path + "/a-1-20250101T000000Z-x.json")
    #expect(mode(path) == 0o600)
    #expect(mode(directory.path) == 0o700)
    #expect(contents(path) == Array("{}".utf8))
  }

  @Test func `nothing but the report is left behind`() throws {
    let directory = ReportDirectory(path: scratch.path)
    _ = try directory.write([UInt8](repeating: 0x20, count: 3_000_000), name: "a.json")
    #expect(Scratch.names(in: scratch.path) == ["a.json"])
  }

  @Test func `two reports of one name are both kept`() throws {
    let directory = ReportDirectory(path: scratch.path)
    let name = ReportDirectory.fileName(process: "web", pid: 7, unixSeconds: 0, id: "ab")
    let first = try directory.write(Array("1".utf8), name: name)
    let second = try directory.write(Array("2".utf8), name: name)
    #expect(first != second)
    #expect(contents(first) == Array("1".utf8))
    #expect(contents(second) == Array("2".utf8))
    #expect(try directory.reports().map(\.id).sorted() == ["ab", "ab.2"])
  }

  @Test func `concurrent writers lose nothing`() async throws {
    let directory = ReportDirectory(path: scratch.path + "/new")
    let paths = try await withThrowingTaskGroup(of: String.self) { group in
      for index in 0..<16 {
        group.addTask {
          try directory.write([UInt8(index)], name: "same-1-20250101T000000Z-a.json")
        }
      }
      return try await group.reduce(into: Set<String>()) { $0.insert($1) }
    }
    #expect(paths.count == 16)
    #expect(Set(paths.flatMap(contents)).count == 16)
  }

  @Test func `a planted symbolic link is refused, with and without a slash`() throws {
    let target = scratch.path + "/target"
    let link = scratch.path + "/link"
    try ReportDirectory(path: target).prepare()
    symlink(target, link)
    for path in [link, link + "/", link + "//"] {
      let error = storeError { () throws(StoreError) in
        _ = try ReportDirectory(path: path).write([1], name: "a.json")
      }
      #expect(error == .symlink(path: link))
    }
    #expect(Scratch.names(in: target) == [])
  }

  @Test func `a dangling symbolic link is refused and not created through`() {
    symlink(scratch.path + "/nowhere", scratch.path + "/link")
    let error = storeError { () throws(StoreError) in
      try ReportDirectory(path: scratch.path + "/link").prepare()
    }
    #expect(error == .symlink(path: scratch.path + "/link"))
    #expect(Scratch.names(in: scratch.path) == ["link"])
  }

  @Test func `a file where the directory should be is named`() {
    put("x", scratch.path + "/file")
    let itself = storeError { () throws(StoreError) in
      try ReportDirectory(path: scratch.path + "/file").prepare()
    }
    #expect(itself == .notADirectory(path: scratch.path + "/file"))
    let above = storeError { () throws(StoreError) in
      try ReportDirectory(path: scratch.path + "/file/reports").prepare()
    }
    #expect(above == .notADirectory(path: scratch.path + "/file/reports"))
  }

  @Test(.enabled(if: geteuid() == 0, "only root can give files away"))
  func `another user's directory is refused`() {
    let path = scratch.path + "/theirs"
    mkdir(path, 0o777)
    chown(path, 12345, 12345)
    let error = storeError { () throws(StoreError) in try ReportDirectory(path: path).prepare() }
    #expect(error == .foreignOwner(path: path, owner: 12345))
  }

  @Test func `proc takes no report and the message says what would help`() {
    // Works for root too, whom permission bits do not stop.
    let error = storeError { () throws(StoreError) in try ReportDirectory(path: "/proc").prepare() }
    #expect(error == .notWritable(path: "/proc"))
    #expect(error?.description.contains("INQUEST_DIR") == true)
    let missing = storeError { () throws(StoreError) in
      try ReportDirectory(path: "/proc/reports").prepare()
    }
    guard case .cannotCreate("/proc/reports", _) = missing else {
      Issue.record("expected cannotCreate, not \(String(describing: missing))")
      return
    }
  }

  @Test func `a name cannot leave the directory`() {
    for name in ["../x.json", "/etc/x", "", ".", "..", "a\0b"] {
      let error = storeError { () throws(StoreError) in
        _ = try ReportDirectory(path: scratch.path).write([1], name: name)
      }
      #expect(error == .badName(name))
    }
    #expect(Scratch.names(in: scratch.path) == [])
  }
}

/// `-o FILE`.
@Suite struct NamedFileTests {
  let scratch = Scratch()

  @Test func `a file is replaced as a whole`() throws {
    let path = scratch.path + "/out.json"
    put("something much longer than the report", path)
    try ReportDirectory.write(Array("{}".utf8), toFile: path)
    #expect(contents(path) == Array("{}".utf8))
    #expect(mode(path) == 0o600)
    #expect(Scratch.names(in: scratch.path) == ["out.json"])
  }

  @Test func `a link is refused and its target untouched`() {
    put("precious", scratch.path + "/target")
    symlink(scratch.path + "/target", scratch.path + "/out.json")
    let error = storeError { () throws(StoreError) in
      try ReportDirectory.write([1], toFile: scratch.path + "/out.json")
    }
    #expect(error == .symlink(path: scratch.path + "/out.json"))
    #expect(contents(scratch.path + "/target") == Array("precious".utf8))
  }

  @Test func `a device is written to and stays a device`() throws {
    try ReportDirectory.write([1], toFile: "/dev/null")
    var status = stat()
    #expect(lstat("/dev/null", &status) == 0)
    #expect(status.st_mode & S_IFMT == S_IFCHR)
  }

  @Test func `a full disk is called that`() {
    let error = storeError { () throws(StoreError) in
      try ReportDirectory.write([1], toFile: "/dev/full")
    }
    #expect(error == .diskFull(path: "/dev/full"))
  }

  @Test func `a directory or a missing one is named`() {
    let directory = storeError { () throws(StoreError) in
      try ReportDirectory.write([1], toFile: scratch.path)
    }
    #expect(directory == .isADirectory(path: scratch.path))
    let missing = storeError { () throws(StoreError) in
      try ReportDirectory.write([1], toFile: scratch.path + "/no/out.json")
    }
    #expect(missing?.description.contains(scratch.path + "/no does not exist") == true)
  }
}
