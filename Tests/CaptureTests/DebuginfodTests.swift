import Foundation
import Report
import TestSupport
import Testing

@testable import Capture

/// `capture --debuginfod`: what servers add to a report, and what bad ones cost.
@Suite(.timeLimit(.minutes(5))) struct DebuginfodTests {
  let scratch: Scratch

  init() throws {
    scratch = try Scratch()
    for name in ["home", "served"] {
      try FileManager.default.createDirectory(
        atPath: scratch.file(name), withIntermediateDirectories: true)
    }
  }

  /// Compiles the fixture `inlined` as `full`, and strips it: `bare`.
  private func build(_ options: String..., serves file: String = "served/it.debug") throws {
    let source = Places.repository + "/Tests/Fixtures/native/inlined.cpp"
    let (full, bare) = (scratch.file("full"), scratch.file("bare"))
    let commands = [
      ["g++", "-O1", "-g", "-D_GNU_SOURCE", "-Wl,--build-id=sha1", source, "-o", full] + options,
      ["strip", "-o", bare, full], ["objcopy", "--only-keep-debug", full, scratch.file(file)],
    ]
    for command in commands { _ = try output(of: command, timeout: 60) }
  }

  private func environment(_ server: String?, _ more: [String: String] = [:]) -> [String: String?] {
    var result: [String: String?] = ["DEBUGINFOD_URLS": server, "HOME": scratch.file("home")]
    // Whoever runs the tests may have these.
    for name in [
      "XDG_CACHE_HOME", "DEBUGINFOD_CACHE_PATH", "DEBUGINFOD_HEADERS_FILE", "http_proxy",
      "https_proxy",
      "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY",
    ] {
      result.updateValue(nil, forKey: name)
    }
    return result.merging(more) { $1 }
  }

  private func capture(
    _ fixture: Fixture, _ options: String..., environment: [String: String?]
  ) throws -> Captured {
    let words = [try Places.inquest, "capture", "\(fixture.pid)", "-o", "-"] + options
    return try Captured(words: words, environment: environment)
  }

  /// What a reader sees of the fixture's own frames.
  private func story(_ captured: Captured, _ fixture: Fixture) throws -> [String] {
    let thread = try #require(captured.thread(fixture.pid))
    return thread.frames.filter { frame in
      let module = frame.module.map { captured.report.modules[$0] }
      return module?.path.hasPrefix(scratch.path) == true
    }.map { "\($0.kind) \($0.function ?? "?") \($0.file ?? "?") \($0.line ?? 0)" }
  }

  /// Processes that know of our home directory.
  private func leftovers() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { name in
      guard Int(name) != nil, let block = try? bytes(of: "/proc/\(name)/environ") else {
        return false
      }
      return block.split(separator: 0).contains {
        $0.elementsEqual("HOME=\(scratch.file("home"))".utf8)
      }
    }
  }

  @Test(arguments: [[], ["-static"]]) func aServerHasWhatThisMachineLacks(_ options: [String])
    throws
  {
    let source = options.first
    if let source { try build(source) } else { try build() }
    let full = try Fixture(words: [scratch.file("full")])
    let truth = try story(try capture(full, environment: environment(nil)), full)
    try #require(
      truth.contains { $0.hasPrefix("inlined shop::Order::total() const /") }, "\(truth)")

    let server = try DebugServer.debuginfod(scratch.file("served"))
    let fixture = try Fixture(words: [scratch.file("bare")])
    let without = try capture(fixture, environment: environment(server.url))
    #expect(try story(without, fixture).allSatisfy { $0.hasPrefix("native ? ? 0") })
    #expect(try scratch.contents("home").isEmpty)
    #expect(without.limitations("symbols").count == options.count)
    #expect(without.limitations("debuginfod").isEmpty)

    let with = try capture(fixture, "--debuginfod", environment: environment(server.url))
    #expect(try story(with, fixture) == truth)
    #expect(with.outcome.status == ExitStatus.done)
    #expect(with.limitations("symbols").isEmpty)
    #expect(!with.limitations("debuginfod").contains { $0.problem.contains(scratch.path) })

    // Of two captures one has asked.
    let notes = try output(of: ["readelf", "-n", scratch.file("bare")])
    let id = try #require(notes.firstMatch(of: /Build ID: ([0-9a-f]+)/)).1
    #expect(try server.requests().count { $0.contains("/buildid/\(id)/debuginfo") } == 1)
  }

  /// One line each, and nothing else is lost.
  @Test(arguments: [
    ("time.sleep(60)", "the servers took too long"),
    ("self.send_error(404)", "no server gave the debug file"),
    (
      "self.send_response(200); self.end_headers(); self.wfile.write(b'not an ELF file' * 999)",
      "what the server sent is no debug file of this build"
    ),
    (
      "self.send_response(200); self.end_headers(); self.wfile.write(open('/bin/true', 'rb').read())",
      "what the server sent is no debug file of this build"
    ),
    ("self.wfile.write(bytes(range(256)) * 999)", "no server gave the debug file"),
    (
      "self.send_response(200); self.send_header('Content-Length', '9999'); self.end_headers()",
      "no server gave the debug file"
    ),
  ]) func aServerThatDoesNot(answer: String, problem: String) throws {
    try build()
    let server = try DebugServer.misbehaving(answer)
    let fixture = try Fixture(words: [scratch.file("bare")])
    let captured = try capture(
      fixture, "--debuginfod", "--timeout", "6", environment: environment(server.url))
    #expect(captured.outcome.status == ExitStatus.done)
    #expect(captured.report.report.complete)
    let limitations = captured.limitations("debuginfod")
    #expect(limitations.count == 1, "\(limitations)")
    #expect(limitations.first?.problem.hasPrefix(problem) == true, "\(limitations)")
    #expect(limitations.first?.problem.contains(scratch.file("bare")) == true)
    #expect(limitations.first?.remedy?.isEmpty == false)
    #expect(try story(captured, fixture).count > 5)
    #expect(try leftovers().isEmpty)
  }

  /// A service that dies waits for no network.
  @Test func aCrashAsksNobody() throws {
    try build()
    let more = try client(#"echo >"$HOME/begun""#).merging(["INQUEST_DIR": scratch.file("reports")])
    {
      $1
    }
    let fixture = try Fixture(words: [scratch.file("bare")])
    let words = [try Places.inquest, "createdump", "--signal", "11", "\(fixture.pid)"]
    _ = try run(words, environment: environment("http://server", more))
    #expect(try scratch.contents("reports").count == 1)
    #expect(try scratch.contents("home").isEmpty)
    _ = try capture(fixture, "--debuginfod", environment: environment("http://server", more))
    #expect(try scratch.contents("home") == ["begun"], "it would have been asked")
  }

  @Test func nobodyToAsk() throws {
    try build()
    let fixture = try Fixture(words: [scratch.file("bare")])
    for (environment, word) in [
      (environment(nil), "DEBUGINFOD_URLS"), (environment("  "), "DEBUGINFOD_URLS"),
      (environment("http://127.0.0.1:9", ["PATH": "/nonexistent:."]), "debuginfod-find is not"),
      (
        environment("http://127.0.0.1:9", ["HOME": "/nonexistent/home"]), "/nonexistent/home/.cache"
      ),
    ] {
      let captured = try capture(fixture, "--debuginfod", environment: environment)
      #expect(captured.report.report.complete)
      let limitations = captured.limitations("debuginfod")
      #expect(limitations.count == 1 && limitations[0].problem.contains(word), "\(limitations)")
      #expect(limitations.first?.remedy != nil)
    }
  }

  // MARK: The client

  /// In its place, a script.
  private func client(_ script: String) throws -> [String: String] {
    let path = scratch.file("debuginfod-find")
    try Data("#!/bin/sh\n\(script)\n".utf8).write(to: URL(fileURLWithPath: path))
    _ = try output(of: ["chmod", "+x", path])
    return ["PATH": scratch.path + ":/usr/bin:/bin"]
  }

  @Test func itIsToldLittleAndEndsInTime() throws {
    try build()
    let script = #"""
      env >"$HOME/variables"
      ls -l /proc/self/fd >"$HOME/descriptors"
      grep 'Max file size' /proc/self/limits >"$HOME/limits"
      sleep 100 &
      wait
      """#
    let more = try client(script).merging([
      "SECRET": "x", "INQUEST_TIMEOUT": "20", "DEBUGINFOD_VERBOSE": "1",
      "DEBUGINFOD_MAXSIZE": "1000",
      "DEBUGINFOD_TIMEOUT": "0", "https_proxy": "http://proxy",
    ]) { $1 }
    let fixture = try Fixture(words: [scratch.file("bare")])
    let captured = try capture(
      fixture, "--debuginfod", "--timeout", "6", environment: environment("http://server", more))
    #expect(captured.limitations("debuginfod").map { $0.remedy?.contains("--timeout") } == [true])
    #expect(try leftovers().isEmpty, "its own children end with it")

    func said(_ name: String) throws -> [Substring] {
      try String(contentsOfFile: scratch.file("home/\(name)"), encoding: .utf8).split(
        separator: "\n")
    }
    let variables = try said("variables").filter {
      !$0.hasPrefix("PWD=") && !$0.hasPrefix("_=") && !$0.hasPrefix("SHLVL=")
    }
    let names = Set(variables.compactMap { $0.split(separator: "=").first.map(String.init) })
    #expect(
      names == [
        "DEBUGINFOD_URLS", "HOME", "PATH", "https_proxy", "DEBUGINFOD_MAXSIZE",
        "DEBUGINFOD_MAXTIME",
        "DEBUGINFOD_TIMEOUT", "DEBUGINFOD_RETRY_LIMIT",
      ])
    #expect(variables.contains("DEBUGINFOD_MAXSIZE=1000"))
    #expect(variables.contains("DEBUGINFOD_TIMEOUT=1"), "\(variables)")
    #expect(try said("limits").first?.contains("1073741824") == true)
    // ls has its output and the directory besides.
    let descriptors = try said("descriptors").filter { $0.contains(" -> ") }
    #expect(descriptors.count == 4, "\(descriptors)")
  }

  @Test(arguments: [
    ("head -c 100000 /dev/zero", "it printed too much"), ("echo relative/path", "it named no file"),
    ("exit 7", "it exited with status 7"), ("kill -11 $$", "it died of signal 11"),
    ("echo /dev/zero", "what the server sent is no debug file of this build"),
  ]) func itSpeaksNonsense(script: String, problem: String) throws {
    try build()
    let fixture = try Fixture(words: [scratch.file("bare")])
    let captured = try capture(
      fixture, "--debuginfod", environment: environment("http://server", try client(script)))
    #expect(captured.report.report.complete)
    let limitations = captured.limitations("debuginfod")
    #expect(limitations.count == 1 && limitations[0].problem.contains(problem), "\(limitations)")
    #expect(try leftovers().isEmpty)
  }

  @Test func itDiesWithTheCollector() throws {
    try build()
    let more = try client(#"echo >"$HOME/begun"; exec sleep 100"#)
    let fixture = try Fixture(words: [scratch.file("bare")])
    let words = [
      try Places.collector, "capture", "--pid", "\(fixture.pid)", "--output", "-", "--debuginfod",
    ]
    let collector = try Child(words, environment: environment("http://server", more))
    #expect(eventually(10) { access(scratch.file("home/begun"), F_OK) == 0 })
    #expect(try !leftovers().isEmpty)
    kill(collector.pid, SIGKILL)
    #expect(try eventually(10) { try leftovers().isEmpty })
    #expect(fixture.runs())
  }
}
