import Foundation
import Report
import ReportReader
import Testing

@Suite struct RunTests {
  let installation: Installation
  init() throws { installation = try Installation() }

  @Test func `the program's output and status are its own`() throws {
    let result = try installation.run(["run", "--", "sh", "-c", "echo out; echo err >&2; exit 7"])
    #expect(result.status == 7 && !result.signaled)
    #expect(result.output == "out\n")
    #expect(result.errors == "err\n")
  }

  @Test func `the program's signal is its own`() throws {
    // One that cannot be blocked: the tests' threads block the others, and children inherit that.
    let result = try installation.run(["run", "--", "sh", "-c", "kill -KILL $$"])
    #expect(result.signaled && result.status == 9)
  }

  @Test func `our library comes first, once, and others stay`() throws {
    let harmless = installation.prefix + "/other.so"
    try #require(try installation.run(["run", "cp", installation.library, harmless]).status == 0)
    for existing in ["\(installation.library) \(harmless)", "\(harmless):\(installation.library)"] {
      let result = try installation.run(
        ["run", "--", "sh", "-c", "echo $LD_PRELOAD"], environment: ["LD_PRELOAD": existing])
      #expect(result.output == "\(installation.library):\(harmless)\n")
    }
  }

  @Test func `options become variables, and only those that are given`() throws {
    let program = ["--", "sh", "-c", "env | grep ^INQUEST_ | sort"]
    let plain = try installation.run(["run"] + program)
    #expect(plain.output == "INQUEST_DIR=\(installation.prefix)/reports\n")
    let options = [
      "--dir", "/d", "--timeout", "5", "--max-freeze", "100", "--createdump", "never", "--log",
      "debug",
    ]
    let result = try installation.run(["run"] + options + program)
    #expect(
      result.output == """
        INQUEST_CREATEDUMP=never
        INQUEST_DIR=/d
        INQUEST_LOG=debug
        INQUEST_MAX_FREEZE=100
        INQUEST_TIMEOUT=5

        """)
  }

  @Test func `the program's own options are not ours`() throws {
    let result = try installation.run(["run", "printf", "%s,", "--help", "--", "--dir", "x"])
    #expect(result.output == "--help,--,--dir,x,")
  }

  @Test func `what cannot be run gets the shell's status and one line`() throws {
    try installation.write("#!/no/such\n", to: installation.prefix + "/bad")
    for (name, status) in [
      ("no-such-program", Int32(127)), ("/no/such", 127), ("/etc/passwd", 126), ("/etc", 126),
      (installation.prefix + "/bad", 126),
    ] {
      let result = try installation.run(["run", "--", name])
      #expect(result.status == status, "\(name)")
      #expect(result.errors.hasPrefix("inquest: \(name): "))
      #expect(result.errors.split(separator: "\n").count == 1)
    }
  }

  @Test(arguments: [
    ["run"], ["run", "--"], ["run", "--bogus", "--", "ls"], ["run", "--timeout", "0", "--", "ls"],
    ["capture"], ["capture", "-1"], ["capture", "0"], ["capture", "web"], ["bogus"],
    ["capture", "1", "--max-freeze", "x"], ["show", "--color", "sometimes"],
  ])
  func `bad usage is 64 and nothing on stdout`(arguments: [String]) throws {
    let result = try installation.run(arguments)
    #expect(result.status == 64)
    #expect(result.output.isEmpty && !result.errors.isEmpty)
  }

  @Test func `a missing part is one clear line, and the service runs all the same`() throws {
    for path in [installation.collector, installation.library] {
      #expect(try installation.run(["run", "mv", path, path + ".gone"]).status == 0)
      let result = try installation.run(["run", "sh", "-c", "echo service; exit 7"])
      #expect(result.status == 7 && result.output == "service\n")
      #expect(result.errors.contains(path) && result.errors.split(separator: "\n").count == 1)
      #expect(result.errors.contains("running without crash reports"))
      #expect(try Self.rename(path + ".gone", path))
    }
    let result = try installation.run(["run", "true"], environment: ["INQUEST_COLLECTOR": "/no"])
    #expect(result.status == 0 && result.errors.contains("INQUEST_COLLECTOR"))
  }

  private static func rename(_ from: String, _ to: String) throws -> Bool {
    try FileManager.default.moveItem(atPath: from, toPath: to)
    return true
  }
}

@Suite struct CollectorTests {
  let installation: Installation
  init() throws { installation = try Installation() }

  @Test func `capture becomes the collector, with what was asked for`() throws {
    let result = try installation.run(
      [
        "capture", "42", "-o", "-", "--max-freeze", "9", "--timeout", "5", "--no-managed",
        "--no-symbols",
      ], environment: ["LD_PRELOAD": installation.library, "SWIFT_BACKTRACE": "enable=yes"])
    #expect(result.status == 3, "the collector's status")
    #expect(
      result.output == """
        arguments: capture --pid 42 --output - --max-freeze 9 --timeout 5 --no-managed --no-symbols
        backtrace: enable=no
        preload: 

        """)
  }

  @Test func `servers are asked only where names are wanted`() throws {
    let result = try installation.run(["capture", "42", "--debuginfod"])
    #expect(result.output.hasPrefix("arguments: capture --pid 42 --debuginfod\n"))
    let both = try installation.run(["capture", "42", "--debuginfod", "--no-symbols"])
    #expect(both.status == 64)
    #expect(both.output.isEmpty)
  }

  @Test(arguments: [
    ["--name", "/x/core.%p", "--normal", "42", "--signal", "11"], ["--help"], ["--version"],
    ["--", "-f", "--unknown"], [],
  ])
  func `createdump's arguments go through untouched`(arguments: [String]) throws {
    let result = try installation.run(["createdump"] + arguments)
    let words = ["createdump", "--"] + arguments
    #expect(result.output.hasPrefix("arguments: \(words.joined(separator: " "))\n"))
  }
}

@Suite struct ShowTests {
  let installation: Installation
  init() throws { installation = try Installation() }

  static func report(_ summary: String) -> [UInt8] {
    Report(
      report: ReportInfo(
        id: "abc", createdAt: "2026-11-21T03:25:12Z", trigger: .manual, complete: true,
        collector: .init(name: "c", version: "1"),
        timing: .init(totalMS: 1, frozenMS: 1, stages: [])),
      crash: Crash(kind: .none, summary: summary), process: ProcessRecord(pid: 42)
    ).json
  }

  func store(_ summary: String, _ name: String) throws -> String {
    let directory = installation.prefix + "/reports"
    try FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: true)
    let text = String(decoding: Self.report(summary), as: UTF8.self)
    try installation.write(text, to: directory + "/" + name, mode: 0o600)
    return directory + "/" + name
  }

  @Test func `the newest, an id, a pid, a file and stdin are found`() throws {
    let old = try store("the old one", "web-42-20250101T000000Z-aa11.json")
    _ = try store("the new one", "web-43-20260101T000000Z-bb22.json")
    func first(_ arguments: [String], input: String = "") throws -> String {
      let result = try installation.run(["show"] + arguments, input: input)
      #expect(result.status == 0 && result.errors.isEmpty)
      return result.output.split(separator: "\n").first.map(String.init) ?? ""
    }
    #expect(try first([]) == "the new one")
    #expect(try first(["aa"]) == "the old one")
    #expect(try first(["42"]) == "the old one")
    #expect(try first([old]) == "the old one")
    #expect(
      try first(["-"], input: String(decoding: Self.report("piped"), as: UTF8.self)) == "piped")
    let json = try installation.run(["show", "--json", "aa11"])
    #expect(json.output == String(decoding: Self.report("the old one"), as: UTF8.self))
  }

  @Test func `what is not there or no report is one line and a status`() throws {
    let nothing = try installation.run(["show"])
    #expect(nothing.status == 2)
    #expect(nothing.errors.contains(installation.prefix + "/reports"))
    #expect(nothing.errors.contains("inquest run"))
    #expect(try installation.run(["show", "zz"]).status == 2)
    for (file, status) in [("/no/such", Int32(1)), ("/etc/passwd", 1), ("/etc", 1)] {
      let result = try installation.run(["show", file])
      #expect(result.status == status && result.output.isEmpty)
      #expect(result.errors.hasPrefix("inquest: \(file): "))
      #expect(result.errors.split(separator: "\n").count == 1)
    }
    #expect(try installation.run(["show", "-"], input: "{\"a\":").status == 1)
  }

  @Test func `a file name cannot command the terminal through an error`() throws {
    let result = try installation.run(["show", "/no/\u{1b}[31msuch"])
    #expect(!result.errors.contains("\u{1b}"))
  }

  @Test func `colour is for those who ask when stdout is a pipe`() throws {
    _ = try store("it", "web-42-20250101T000000Z-aa11.json")
    #expect(!(try installation.run(["show"]).output.contains("\u{1b}")))
    #expect(try installation.run(["show", "--color", "always"]).output.contains("\u{1b}["))
    let forced = try installation.run(["show"], environment: ["CLICOLOR_FORCE": "1"])
    #expect(forced.output.contains("\u{1b}["))
  }

  @Test func `source lines are shown unless they were written after the crash`() throws {
    let source = installation.prefix + "/a.cs"
    try installation.write("the code\n", to: source)
    func shown(_ createdAt: String) throws -> Bool {
      var report = try Report(json: Self.report("it"))
      report.report.createdAt = createdAt
      var frame = Frame(kind: .managed, trust: .runtime, ip: 1, sp: 2)
      (frame.file, frame.line) = (source, 1)
      report.threads = [
        ThreadRecord(
          id: 42, crashed: true, frames: [frame], frameCount: 1, complete: true,
          endReason: .outermost)
      ]
      let input = String(decoding: report.json, as: UTF8.self)
      return try installation.run(["show", "-"], input: input).output.contains("> 1 the code")
    }
    #expect(try shown("2999-01-01T00:00:00.123Z"))
    #expect(try !shown("2001-01-01T00:00:00.123Z"))
  }

  @Test func `a pager is never started without a terminal`() throws {
    _ = try store("it", "web-42-20250101T000000Z-aa11.json")
    let result = try installation.run(["show"], environment: ["PAGER": "echo paged"])
    #expect(!result.output.contains("paged"))
  }
}
