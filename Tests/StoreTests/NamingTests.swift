import Store
import Testing

@Suite struct NamingTests {
  @Test func `a name has all its parts`() {
    #expect(
      ReportDirectory.fileName(process: "web", pid: 4214, unixSeconds: 1_763_695_512, id: "3fa9")
        == "web-4214-20251121T032512Z-3fa9.json")
  }

  /// A name that the test log shows harmless, too.
  struct Hostile: CustomTestStringConvertible {
    let name: String
    var testDescription: String { name.debugDescription.prefix(40) + "…" }

    static let names = [
      "../../etc/passwd", "a\nb", "\u{1b}[31mred", "-rf", ".hidden", "", "   ", "日本語", "a/b", "\0",
      String(repeating: "x", count: 4096), "a-1-20250101T000000Z-b", "….json", "$(reboot)", "%s%n",
    ]
  }

  @Test(arguments: Hostile.names.map(Hostile.init))
  func `hostile process names are made harmless`(process: Hostile) throws {
    let name = ReportDirectory.fileName(process: process.name, pid: 1, unixSeconds: 0, id: "id")
    #expect(name.utf8.count <= 200)
    #expect(name.utf8.allSatisfy { ($0 >= 0x30 && $0 <= 0x7a) || $0 == 0x2d || $0 == 0x2e })
    #expect(!name.hasPrefix(".") && !name.hasPrefix("-"))
    #expect(!name.contains("/"))
    #expect(name.hasSuffix("-1-19700101T000000Z-id.json"))
    // And what was written is found again.
    let scratch = Scratch()
    let directory = ReportDirectory(path: scratch.path)
    let path = try directory.write([1], name: name)
    #expect(try directory.find("id") == path)
    #expect(try directory.find("1") == path)
  }

  @Test func `the directory follows the variables, then the user`() {
    func standard(_ variables: [String: String], _ user: UInt32 = 1000) -> String {
      ReportDirectory.standard(environment: { variables[$0] }, userID: user)
    }
    #expect(standard(["INQUEST_DIR": "/x", "HOME": "/h"]) == "/x")
    #expect(standard(["INQUEST_DIR": "", "HOME": "/h"]) == "/h/.local/state/inquest")
    #expect(standard(["XDG_STATE_HOME": "/s", "HOME": "/h"], 0) == "/var/lib/inquest")
    #expect(standard(["XDG_STATE_HOME": "/s", "HOME": "/h"]) == "/s/inquest")
    #expect(standard(["XDG_STATE_HOME": "relative", "HOME": "/"]) == "/.local/state/inquest")
    // uid 1 is "daemon" with /usr/sbin on Debian; some other home elsewhere.
    #expect(standard([:], 1).hasSuffix("/.local/state/inquest"))
    #expect(standard([:], 3_999_999_999) == "/tmp/inquest-3999999999")
  }
}

@Suite struct LookUpTests {
  let scratch = Scratch()
  var directory: ReportDirectory { ReportDirectory(path: scratch.path) }

  @discardableResult
  func add(_ process: String, _ pid: Int, at seconds: Int, id: String) throws -> String {
    try directory.write(
      [1],
      name: ReportDirectory.fileName(process: process, pid: pid, unixSeconds: seconds, id: id))
  }

  @Test func `newest goes by the report's time, not by the order of writing`() throws {
    let late = try add("web", 7, at: 2_000_000, id: "aa11")
    try add("web", 7, at: 1_000_000, id: "aa22")
    #expect(try directory.newest() == late)
  }

  @Test func `within one second the later file is newer`() throws {
    try add("web", 7, at: 1_000_000, id: "zz")
    let second = try add("web", 7, at: 1_000_000, id: "aa")
    #expect(try directory.newest() == second)
  }

  @Test func `id, unique prefix, pid and file name find a report`() throws {
    let old = try add("my-service", 7, at: 1_000_000, id: "aa11")
    let new = try add("my-service", 7, at: 2_000_000, id: "aa22")
    let other = try add("web", 70, at: 3_000_000, id: "b7")
    #expect(try directory.find("aa11") == old)
    #expect(try directory.find("aa2") == new)
    #expect(try directory.find("7") == new, "the newest with that pid")
    #expect(try directory.find("70") == other)
    #expect(try directory.find("my-service-7-19700112T134640Z-aa11.json") == old)
    #expect(
      storeError { () throws(StoreError) in _ = try directory.find("cc") }
        == .noMatch(key: "cc", directory: scratch.path))
    guard
      case .ambiguous("aa", let names) = storeError({ () throws(StoreError) in
        _ = try directory.find("aa")
      })
    else {
      Issue.record("aa fits two reports")
      return
    }
    #expect(names.count == 2)
  }

  @Test func `an id of digits only beats a pid`() throws {
    let byID = try add("web", 8, at: 1_000_000, id: "1234")
    try add("web", 1234, at: 2_000_000, id: "ff")
    #expect(try directory.find("1234") == byID)
  }

  @Test func `only finished reports are listed`() throws {
    for name in [
      ".inquest-12ab.tmp", ".web-7-20250101T000000Z-x.json", "web-7-20250101T000000Z-x.json.tmp",
      "notes.json", "web-7-20250101T000000Z-.txt", "web-x-20250101T000000Z-x.json",
    ] {
      put("{", scratch.path + "/" + name)
    }
    // A directory and a link with a report's name are no reports either.
    try ReportDirectory(path: scratch.path + "/web-7-20250101T000000Z-dir.json").prepare()
    Scratch.link("/etc/passwd", scratch.path + "/web-7-20250101T000000Z-link.json")
    #expect(try directory.reports() == [])
    #expect(try directory.newest() == nil)
    let real = try add("web", 7, at: 0, id: "x")
    #expect(try directory.reports().map(\.path) == [real])
  }

  @Test func `a directory that does not exist yet has no reports`() throws {
    #expect(try ReportDirectory(path: scratch.path + "/none").newest() == nil)
  }
}
