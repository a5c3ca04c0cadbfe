import Render
import Report
import Testing

@Suite struct ModuleTests {
  @Test func `only modules of shown frames are listed`() {
    var report = Samples.crashed(
      [Samples.frame("boom"), Samples.frame("x", module: 99), Samples.frame("y", module: -1)])
    report.modules.append(Samples.module("/srv/unused.so", at: 1))
    let lines = render(report)
    #expect(lines.has("libc.so.6  build-id 58254ca9"))
    #expect(!lines.has("unused"))
  }

  @Test func `a file is listed once, however often it is mapped`() throws {
    var report = Samples.crashed((0...3).map { (index: Int) in Samples.frame("f", module: index) })
    let crash = Samples.module("/srv/libcrash.so", at: 0x7f10_0000_0000, buildID: "beef")
    let flat = Samples.module("/srv/app.dll", kind: .pe, at: 0x7f21_0000_0000)
    report.modules = [crash, crash, Samples.app, flat]
    let lines = render(report)
    #expect(lines.count("libcrash.so  build-id") == 1)
    #expect(lines.count("0x7f1000000000-0x7f1000010000") == 1)
    let app = try #require(lines.firstIndex(of: "  app.dll"))
    #expect(lines[app + 1].contains("0x7f2000000000-0x7f2000010000  0x7f2100000000-0x7f2100010000"))
    #expect(lines.count("/srv/app.dll") == 1)
  }

  @Test func `generated code is listed as the assembly that it belongs to`() {
    var byName = Samples.app
    byName.mvid = "abc123"
    var other = Samples.module("/old/lib.dll", kind: .pe, at: 0x7f30_0000_0000)
    other.mvid = "1"
    var byID = Samples.module("/new/lib.dll", kind: .pe, at: 0x7f31_0000_0000)
    byID.mvid = "2"
    let jit = Samples.module("/memfd:doublemapper", kind: .jit, at: 0x7f50_0000_0000)
    let lines = render(
      Samples.crashed(
        [
          Samples.method("App.Main", in: "app.dll", module: 0),
          Samples.method("Lib.Run", in: "lib.dll", module: 0, mvid: "2"),
        ], modules: [jit, byName, other, byID]))
    #expect(lines.has("app.dll  mvid abc123"))
    #expect(lines.has("lib.dll  mvid 2") && !lines.has("/old/lib.dll"), "two may have one name")
    #expect(!lines.has("memfd"))
  }

  @Test func `a long path is cut at its slashes only`() {
    let path = "/opt/" + String(repeating: "directory-3.1.23/", count: 6) + "System.Net.dll"
    let report = Samples.crashed(
      [Samples.frame("f")], modules: [Samples.module(path, kind: .pe, at: 0x7f20_0000_0000)])
    let lines = render(report) { $0.width = 80 }
    #expect(lines.contains { $0.hasSuffix("/directory-3.1.23/") })
    #expect(lines.contains("      System.Net.dll"))
  }
}
