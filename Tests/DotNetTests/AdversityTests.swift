// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// Whatever is missing or broken around us, the application ends as without us.
@Suite(.enabled(if: Lab.isReady, "run `make fixtures` first"))
struct AdversityTests {
  /// How the plain application ends by `native-segv` and `exception`.
  private func expectUnharmed(_ run: Run, _ mode: String = "exception") async throws {
    let plain = try await Experiment.of(Scenario(mode, run.runtime)).plain
    #expect(run.outcome.ending == plain.ending)
    #expect(run.outcome.normalOutput == plain.normalOutput)
    #expect(run.outcome.normalErrors == plain.normalErrors)
  }

  @Test(arguments: Runtime.allCases, ["missing", "not executable", "a folder"])
  func withoutACollector(_ runtime: Runtime, _ what: String) async throws {
    let path = try Lab.shared.get().scratch() + "/inquest-collector"
    if what == "not executable" { try Lab.write("no program", to: path) }
    if what == "a folder" { mkdir(path, 0o755) }
    // The library alone: `inquest run` would not even start without its collector.
    let preload = Lab.stage + "/lib/inquest/libinquest-preload.so"
    let run = try await Run.of(
      "exception", on: runtime, .off, ["INQUEST_COLLECTOR": path, "LD_PRELOAD": preload])
    try await expectUnharmed(run)
    #expect(run.outcome.ourLines.count == 1)
    #expect(run.outcome.ourLines.first?.contains("cannot execute the collector \(path)") == true)
    #expect(run.reports.isEmpty && run.files.isEmpty && !run.isCore(run.unnamedCore))
  }

  @Test(arguments: Runtime.allCases, ["/proc/inquest", "/dev/null/inquest", "/dev/full"])
  func withoutAPlaceForTheReport(_ runtime: Runtime, _ folder: String) async throws {
    let run = try await Run.of("exception", on: runtime, .on, ["INQUEST_DIR": folder])
    try await expectUnharmed(run)
    #expect(run.outcome.ourLines.count == 2)
    #expect(run.outcome.ourLines.last?.contains(folder) == true)
    #expect(run.outcome.ourLines.last?.contains("report:") == false)
    #expect(run.outcome.ourLines.last?.contains("what was found: Unhandled ") == true)
  }

  @Test(arguments: Runtime.allCases)
  func switchedOff(_ runtime: Runtime) async throws {
    let run = try await Run.of("exception", on: runtime, .on, ["INQUEST_ENABLED": "0"])
    try await expectUnharmed(run)
    #expect(run.outcome.ourLines.isEmpty)
    #expect(run.reports.isEmpty && run.files.isEmpty && !run.isCore(run.unnamedCore))
  }

  /// In a container with nothing set, as in a unit file.
  @Test(arguments: Runtime.allCases)
  func withAnEmptyEnvironment(_ runtime: Runtime) async throws {
    let run = try await Gate.programs.run {
      var place = try Run.Place("native-segv", on: runtime, .on)
      place.environment = [:]
      place.words = [
        "/usr/bin/env", "-i", Lab.inquest, "run", "--dir", place.reportFolder, "--",
        runtime.dotnet, runtime.program, "native-segv",
      ]
      return try await place.finish(try place.start())
    }
    try await expectUnharmed(run, "native-segv")
    #expect(run.reports.count == 1)
  }

  @Test(arguments: Runtime.allCases)
  func withStandardErrorClosed(_ runtime: Runtime) async throws {
    let run = try await Run.of("native-segv", on: runtime, .on, errors: -1)
    #expect(run.outcome.ending == .killed(SIGSEGV))
    #expect(run.reports.count == 1)
    #expect(run.outcome.output == "")
  }

  /// Without us nothing is written there by this mode, so it must not matter to us either.
  @Test(arguments: Runtime.allCases)
  func withStandardErrorThatNobodyReads(_ runtime: Runtime) async throws {
    var ends: [Int32] = [-1, -1]
    try #require(pipe(&ends) == 0)
    defer { ends.forEach { close($0) } }
    _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
    let block = [UInt8](repeating: 0x20, count: 4096)
    while write(ends[1], block, block.count) > 0 {}
    while write(ends[1], block, 1) > 0 {}
    _ = fcntl(ends[1], F_SETFL, 0)
    let run = try await Run.of("native-segv", on: runtime, .on, errors: ends[1], within: 20)
    #expect(run.outcome.ending == .killed(SIGSEGV))
    #expect(run.reports.count == 1)
  }

  /// Reports of a user with nothing to say go where that user can write.
  @Test(
    .enabled(if: getuid() == 0, "needs root to become nobody"), arguments: Runtime.allCases,
    [true, false])
  func asNobody(_ runtime: Runtime, _ isFolderGiven: Bool) async throws {
    let nobody = ["/usr/bin/setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    let run = try await Gate.programs.run {
      var place = try Run.Place("native-segv", on: runtime, .on)
      chown(place.folder, 65534, 65534)
      if !isFolderGiven { place.environment["INQUEST_DIR"] = nil }
      place.words = try await Self.readable(nobody, place.words)
      place.words = nobody + place.words
      var run = try await place.finish(try place.start())
      let home = place.folder + "/.local/state/inquest"
      if !isFolderGiven { run.reports = try ReportFile.all(in: home) }
      return run
    }
    #expect(run.outcome.ending == .killed(SIGSEGV))
    let report = try #require(run.reports.first)
    #expect(run.reports.count == 1)
    #expect(report.json["process"]["user_id"].int == 65534)
    #expect(report.crash["kind"].text == "native_fault")
    #expect(report.function(0) == "write_to")
    let attributes = try FileManager.default.attributesOfItem(atPath: report.path)
    #expect((attributes[.ownerAccountID] as? NSNumber)?.intValue == 65534)
    #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
    let problems = try await ReportFile.violations([report.path])
    #expect(problems == "")
  }

  /// The same command, of copies where the originals lie below a folder that others may not enter.
  static func readable(_ user: [String], _ words: [String]) async throws -> [String] {
    let probe = try await Program.run(user + ["test", "-r", words.last { $0.hasPrefix("/") }!])
    if probe.ending == .exited(0) { return words }
    let lab = try Lab.shared.get()
    return try await words.asyncMap { word in
      guard
        let root = [Lab.stage, Lab.runtimes, Lab.fixtures].first(where: { word.hasPrefix($0 + "/") }
        )
      else { return word }
      return try await copies.value(Copy(from: root, below: lab.folder))
        + word.dropFirst(root.count)
    }
  }

  private struct Copy: Hashable, Sendable {
    var from: String
    var below: String
  }

  private static let copies = Once<Copy, String> { copy in
    let to = copy.below + "/copy-of-" + URL(fileURLWithPath: copy.from).lastPathComponent
    _ = try await Program.output(["cp", "-a", copy.from, to])
    _ = try await Program.output(["chmod", "-R", "a+rX", to])
    return to
  }
}

extension Array {
  func asyncMap<T>(_ transform: (Element) async throws -> T) async rethrows -> [T] {
    var result: [T] = []
    for element in self { result.append(try await transform(element)) }
    return result
  }
}
