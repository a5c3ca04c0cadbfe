// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// Which calls of createdump are ours: only crashes, only of the process that waits for us.
struct DecisionTests {
  enum Started { case collector, createdump }

  private func expect(
    _ expected: Started, _ scene: Scene, _ outcome: Outcome, original: [String]? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    #expect(outcome.status == 0, "\(outcome)", sourceLocation: sourceLocation)
    let collector = try scene.collectorSeen
    let createdump = try scene.createdumpSeen
    #expect((collector != nil) == (expected == .collector), sourceLocation: sourceLocation)
    #expect((createdump != nil) == (expected == .createdump), sourceLocation: sourceLocation)
    if let original, let createdump {
      #expect(createdump.arguments == original, sourceLocation: sourceLocation)
    }
  }

  static let crashes: [[String]] = [
    ["createdump", "@", "--signal", "6", "--crashthread", "@"],
    ["createdump", "--name", "/x/core.%p", "--full", "--diag", "--crashreport", "@", "--signal"]
      + ["11", "--crashthread", "@", "--code", "-6", "--errno", "0", "--address", "18446744"],
    ["createdump", "-f", "core", "-u", "-d", "-v", "-l", "12", "@", "--signal", "15"],
    ["createdump", "--nativeaot", "@", "--exception-record", "140000"],
    ["createdump", "--name", "core", "--signal", "6", "--crashthread", "5"],  // without a pid
    ["createdump", "--option-to-come", "7", "@", "--signal", "6", "--crashthread", "5"],
  ]

  @Test(arguments: crashes, ["execve", "execv"])
  func crashWithFactsIsOurs(_ arguments: [String], _ how: String) throws {
    let scene = try Scene()
    try expect(.collector, scene, try scene.createdump(arguments, how: how))
  }

  static let requests: [[String]] = [
    ["createdump", "--name", "/tmp/requested", "--full", "--diag", "@"],  // 8.0, on demand
    ["createdump", "--name", "/tmp/requested.%d", "--withheap", "@"],  // 3.1, on demand
    ["createdump", "-f", "/tmp/requested", "@"],
    ["createdump", "@"],
    ["createdump"],
    ["createdump", "--name", "--signal", "@"],  // a file of that name
    ["createdump", "@", "--signal"],  // without its value
  ]

  @Test(arguments: requests) func requestIsUntouched(_ arguments: [String]) throws {
    let scene = try Scene()
    let outcome = try scene.createdump(arguments)
    try expect(.createdump, scene, outcome)
    let seen = try #require(try scene.createdumpSeen)
    #expect(seen.arguments.count == arguments.count)
    for (given, got) in zip(arguments, seen.arguments) where given != "@" { #expect(given == got) }
    // Untouched: also what the constructor put into the environment, and LD_PRELOAD.
    #expect(seen.value("LD_PRELOAD") == (try Stage.shim))
    #expect(seen.value("DOTNET_DbgEnableMiniDump") == "1")
  }

  @Test(arguments: ["--name", "-f"]) func plantedNameMakesACrash(_ option: String) throws {
    let scene = try Scene()
    let name = try #require(try scene.plantedName("COMPlus"))
    try expect(
      .collector, scene, try scene.createdump(["createdump", option, name, "--triage", "@"]))
  }

  @Test(arguments: [
    ["createdump", "--signal", "11", "1"], ["createdump", "1", "--signal", "11"],
    ["createdump", "@", "1", "--signal", "6"], ["createdump", "what", "--signal", "6"],
    ["createdump", "--full", "1", "--signal", "6"],
  ])
  func anotherProcessIsUntouched(_ arguments: [String]) throws {
    let scene = try Scene()
    try expect(.createdump, scene, try scene.createdump(arguments))
  }

  @Test func plantedNameForAnotherProcessIsUntouched() throws {
    let scene = try Scene()
    let name = try #require(try scene.plantedName("COMPlus"))
    let arguments = ["createdump", "--name", name, "--triage", "1"]
    try expect(.createdump, scene, try scene.createdump(arguments), original: arguments)
  }

  @Test func scriptThatStartsCreatedumpOnPurposeIsUntouched() throws {
    let scene = try Scene()
    let outcome = try scene.start(
      "/bin/bash", ["-c", "sleep 0.1 & '\(scene.createdump)' --full $!; wait"])
    try expect(.createdump, scene, outcome)
  }

  @Test func baseNameMustBeExact() throws {
    for name in ["mycreatedump", "createdump2", "createdump.sh", "createdump/other", "Createdump"] {
      let scene = try Scene()
      if name.contains("/") { try FileManager.default.removeItem(atPath: scene.createdump) }
      try scene.placeObserver(name)
      let path = scene.scratch.path(name)
      let outcome = try scene.createdump(["createdump", "@", "--signal", "6"], path: path)
      #expect(outcome.status == 0)
      #expect(try scene.collectorSeen == nil, "\(name)")
      #expect(try Observation(at: path + ".seen") != nil, "\(name)")
    }
  }

  @Test(arguments: ["createdump", "./createdump", "../x/createdump"])
  func relativePathIsOurs(_ path: String) throws {
    let scene = try Scene()
    let outcome = try scene.createdump(["anything", "@", "--signal", "6"], path: path)
    try expect(.collector, scene, outcome)
    #expect(try scene.collectorSeen?.arguments[7] == path)
  }

  @Test(arguments: ["0", "false", "no", "off", "FALSE", "Off", "nO"])
  func offSwitch(_ value: String) throws {
    let scene = try Scene()
    let outcome = try scene.createdump(
      ["createdump", "@", "--signal", "6"], with: ["INQUEST_ENABLED": value])
    try expect(.createdump, scene, outcome)
    #expect(try scene.createdumpSeen?.value("DOTNET_DbgEnableMiniDump") == nil)
    #expect(try scene.createdumpSeen?.value("COMPlus_DbgMiniDumpName") == nil)
  }

  @Test(arguments: ["1", "yes", "", "00", "offf", "of"])
  func otherValuesDoNotSwitchOff(_ value: String) throws {
    let scene = try Scene()
    let outcome = try scene.createdump(
      ["createdump", "@", "--signal", "6"], with: ["INQUEST_ENABLED": value])
    try expect(.collector, scene, outcome)
  }

  /// With the shim in /etc/ld.so.preload the collector has it too, and starts createdump itself.
  @Test func collectorIsNotCaught() throws {
    let scene = try Scene()
    let script = """
      exec -a inquest-collector '\(try Stage.fixture("launcher"))' execve \
        '\(scene.createdump)' createdump @ --signal 6
      """
    try expect(.createdump, scene, try scene.start("/bin/bash", ["-c", script]))
  }

  @Test func debugLogSaysWhy() throws {
    let scene = try Scene()
    let request = try scene.createdump(["createdump", "@"], with: ["INQUEST_LOG": "debug"])
    #expect(request.errors == "inquest: createdump left alone: not a crash\n")
    let other = try scene.createdump(
      ["createdump", "1", "--signal", "6"], with: ["INQUEST_LOG": "debug"])
    #expect(other.errors == "inquest: createdump left alone: not about our parent\n")
    let crash = try scene.createdump(
      ["createdump", "@", "--signal", "6"], with: ["INQUEST_LOG": "debug"])
    #expect(crash.errors.hasPrefix("inquest: crash of "))
    #expect(crash.errors.hasSuffix(", starting \(scene.collector)\n"))
    #expect(try scene.createdump(["createdump", "@"]).errors.isEmpty)
  }
}
