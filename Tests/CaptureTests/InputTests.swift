import Foundation
import Report
import TestSupport
import Testing

@testable import Capture

/// What goes wrong before and around a report: one clear line with a remedy, the documented exit status,
/// nothing on stdout.
@Suite(.timeLimit(.minutes(5))) struct InputTests {
  private static let nobody = [
    "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
  ]

  private func expect(
    _ outcome: Outcome, status: Int32, saying words: [String],
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(outcome.status == status, "\(outcome)", sourceLocation: sourceLocation)
    #expect(outcome.output.isEmpty, "\(outcome)", sourceLocation: sourceLocation)
    #expect(outcome.complaints.count == 1, "\(outcome)", sourceLocation: sourceLocation)
    for word in words {
      #expect(outcome.errors.contains(word), "\(outcome)", sourceLocation: sourceLocation)
    }
  }

  @Test(arguments: ["999999999", "2147483647"]) func noSuchProcess(pid: String) throws {
    expect(
      try run([Places.inquest, "capture", pid]), status: ExitStatus.failure,
      saying: ["no process \(pid)", "check the pid"])
  }

  /// The argument parser says what is wrong, how to call it, and where to read more.
  @Test(arguments: [
    ["capture"], ["capture", "0"], ["capture", "-1"], ["capture", "--", "-1"], ["capture", "abc"],
    ["capture", "1099511627776"], ["capture", "12x"], ["capture", ""], ["capture", "1", "2"],
    ["capture", "1", "--frobnicate"], ["capture", "1", "--timeout", "0"],
    ["capture", "1", "--timeout", "soon"], ["capture", "1", "--max-freeze", "-3"],
    ["capture", "1", "-o", ""], ["capture", "1", "-o"], ["no-such-command"],
  ]) func badUsage(words: [String]) throws {
    let outcome = try run([Places.inquest] + words)
    #expect(outcome.status == ExitStatus.usage, "\(outcome)")
    #expect(outcome.output.isEmpty)
    #expect(outcome.errors.hasPrefix("inquest: "), "\(outcome)")
    #expect(outcome.errors.split(separator: "\n").count == 1)
    #expect(outcome.errors.contains("see inquest help"))
  }

  @Test(arguments: [
    [], ["frobnicate"], ["capture"], ["capture", "--pid"], ["capture", "--pid", "0"],
    ["capture", "--pid", "-1"], ["capture", "--pid", "abc"], ["capture", "--pid", "1099511627776"],
    ["capture", "--pid", "1", "--junk"], ["capture", "--pid", "1", "--timeout", "nan"],
    ["capture", "--pid", "1", "--timeout", "-5"], ["capture", "--pid", "1", "--max-freeze", "inf"],
    ["crash"], ["crash", "--pid", "1", "--dumps", "none", "--createdump", "/x"], ["createdump"],
    ["createdump", "--frobnicate", "1"], ["createdump", "--signal", "11"],
    ["createdump", "--", "0"],
  ]) func badUsageOfTheCollector(words: [String]) throws {
    expect(try run([Places.collector] + words), status: ExitStatus.usage, saying: ["inquest: "])
  }

  @Test func aKernelThreadHasNoStack() throws {
    let name = try? String(decoding: bytes(of: "/proc/2/comm"), as: UTF8.self)
    guard name?.hasPrefix("kthreadd") == true else { return }  // a container's own process 2
    expect(
      try run([Places.inquest, "capture", "2"]), status: ExitStatus.failure,
      saying: ["kernel thread", "/proc/PID/stack"])
  }

  @Test func itselfIsNobodyToCapture() throws {
    expect(
      try run(["sh", "-c", "exec \"$0\" capture $$", Places.inquest]), status: ExitStatus.usage,
      saying: ["itself"])
  }

  /// The parent is another process, even if it waits.
  @Test func aScriptMayCaptureItself() throws {
    let scratch = try Scratch()
    let outcome = try run([
      "sh", "-c", "\"$0\" capture $$ -o \"$1\"; echo $?", Places.inquest, scratch.file("r.json"),
    ])
    #expect(outcome.text == "0\n")
  }

  @Test func notPermitted() throws {
    guard geteuid() == 0 else { return }
    let fixture = try Fixture("threads", "2", "2")
    expect(
      try run(Self.nobody + [Places.inquest, "capture", "\(fixture.pid)"]),
      status: ExitStatus.notPermitted, saying: ["belongs to user 0", "as root"])
    #expect(try fixture.goesOn(beyond: try fixture.beat()))
    #expect(fixture.runs())
  }

  @Test func theSameUserMayCaptureItsOwn() throws {
    guard geteuid() == 0 else { return }
    let fixture = try Fixture(words: Self.nobody + [Places.native("threads"), "2", "2"])
    let captured = try Captured(
      words: Self.nobody + [Places.inquest, "capture", "\(fixture.pid)", "-o", "-"])
    #expect(captured.report.threads.count == 3)
    #expect(captured.report.process.userID == 65534)
    let hidden = try Fixture(words: Self.nobody + [Places.native("nondumpable")])
    let refused = try run(Self.nobody + [Places.inquest, "capture", "\(hidden.pid)"])
    #expect(refused.status == ExitStatus.notPermitted, "\(refused)")
    #expect(refused.complaints.count == 1 && refused.errors.contains("run as"))
  }

  @Test func placesThatTakeNoReport() throws {
    let fixture = try Fixture("threads", "2", "2")
    let scratch = try Scratch()
    let pid = "\(fixture.pid)"
    try Data().write(to: URL(fileURLWithPath: scratch.file("plain")))
    try FileManager.default.createSymbolicLink(
      atPath: scratch.file("link"), withDestinationPath: scratch.file("elsewhere"))
    let places: [([String], [String: String], [String])] = [
      (["-o", scratch.path], [:], ["is a directory", "name a file"]),
      (["-o", "/dev/full"], [:], ["no space left", "/dev/full"]),
      (["-o", scratch.file("missing/r.json")], [:], ["does not exist"]),
      (["-o", scratch.file("plain/r.json")], [:], ["not a directory"]),
      (["-o", scratch.file("link")], [:], ["symbolic link"]),
      ([], ["INQUEST_DIR": "/proc/inquest"], ["cannot create", "INQUEST_DIR"]),
      ([], ["INQUEST_DIR": scratch.file("plain")], ["not a directory", "INQUEST_DIR"]),
      ([], ["INQUEST_DIR": scratch.file("link")], ["symbolic link"]),
    ]
    for (options, environment, words) in places {
      expect(
        try run([Places.inquest, "capture", pid] + options, environment: environment),
        status: ExitStatus.failure, saying: words)
    }
    #expect(try scratch.contents() == ["link", "plain"], "nothing is left behind")
    #expect(try fixture.goesOn(beyond: try fixture.beat()))
  }

  @Test func anUnwritableDirectoryIsNamed() throws {
    guard geteuid() == 0 else { return }
    let fixture = try Fixture(words: Self.nobody + [Places.native("threads"), "2", "2"])
    expect(
      try run(
        Self.nobody + [Places.inquest, "capture", "\(fixture.pid)"],
        environment: ["INQUEST_DIR": "/usr/share"]),
      status: ExitStatus.failure, saying: ["no permission to write in /usr/share", "INQUEST_DIR"])
  }

  @Test func theStoreIsPrivateAndThePathIsPrinted() throws {
    let fixture = try Fixture("threads", "2", "2")
    let scratch = try Scratch()
    let outcome = try run(
      ["sh", "-c", "umask 0; exec \"$@\"", "sh", Places.inquest, "capture", "\(fixture.pid)"],
      environment: ["INQUEST_DIR": scratch.file("reports")])
    #expect(outcome.status == ExitStatus.done && outcome.errors.isEmpty, "\(outcome)")
    let files = try scratch.contents("reports")
    #expect(files.count == 1, "no temporary file is left")
    let file = try #require(files.first)
    #expect(outcome.text == scratch.file("reports/\(file)") + "\n")
    #expect(file.wholeMatch(of: /threads-\d+-\d{8}T\d{6}Z-[0-9a-f]{12}\.json/) != nil, "\(file)")
    #expect(file.contains("-\(fixture.pid)-"))
    #expect(mode(of: scratch.file("reports")) == 0o700)
    #expect(mode(of: scratch.file("reports/\(file)")) == 0o600)
    let captured = try Captured(outcome, bytes(of: scratch.file("reports/\(file)")))
    #expect(file.contains(captured.report.report.id))
  }

  /// Each redirection of the shell, and what must come of it.
  @Test(
    arguments: [
      ("capture $1 -o -", ">&-", 1), ("capture $1 -o -", ">/dev/full", 1), ("capture $1", ">&-", 1),
      ("capture $1", ">/dev/full", 1), ("capture $1 -o $2/r.json", "<&-", 0),
      ("capture $1 -o $2/r.json", ">&-", 0), ("capture $1 -o $2/r.json", "2>&-", 0),
      ("capture $1 -o $2/r.json", "<&- >&- 2>&-", 0),
    ] as [(String, String, Int32)])
  func closedAndBrokenStreams(command: String, redirection: String, status: Int32) throws {
    let fixture = try Fixture("threads", "2", "2")
    let scratch = try Scratch()
    let outcome = try run(
      [
        "sh", "-c", "exec \"$0\" \(command) \(redirection)", Places.inquest, "\(fixture.pid)",
        scratch.path,
      ], environment: ["INQUEST_DIR": scratch.file("reports")])
    #expect(outcome.status == status, "\(outcome)")
    #expect(outcome.output.isEmpty)
    if status != 0 { #expect(outcome.complaints.count == 1, "\(outcome)") }
    if command.contains("r.json") {
      _ = try Captured(outcome, bytes(of: scratch.file("r.json")))
    } else if !command.contains("-o") {
      // The report is safe even if its path could not be told on stdout.
      let file = try #require(try scratch.contents("reports").first)
      #expect(outcome.errors.contains(file))
    }
  }

  /// In a crash stderr is the service's, and may be a pipe that nobody reads.
  @Test(arguments: ["closed", "full"]) func aBrokenStderrNeitherKillsNorHangs(how: String) throws {
    let fixture = try Fixture("threads", "2", "2")
    let scratch = try Scratch()
    let command =
      how == "closed"
      ? "\"$0\" \"$@\" 2> >(exec true) || exit $?"
      : "exec 3<> <(:); yes | head -c 65536 >&3; \"$0\" \"$@\" 2>&3 || exit $?"
    let outcome = try run(
      [
        "bash", "-c", command, Places.collector, "createdump", "--", "--signal", "11",
        "--crashthread", "\(fixture.pid)", "\(fixture.pid)",
      ], environment: ["INQUEST_DIR": scratch.file("reports")], timeout: 15)
    #expect(outcome.status == 0, "\(outcome)")
    #expect(outcome.seconds < 5)
    let file = try #require(try scratch.contents("reports").first)
    _ = try Captured(outcome, bytes(of: scratch.file("reports/\(file)")))
  }
}
