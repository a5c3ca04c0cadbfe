// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// INQUEST_CATCH=1: what may happen while the collector is at work.
struct CatchCollectionTests {
  private func outcome(of scene: Scene, _ name: String, _ c: Stage.C = .glibc) throws -> String {
    try scene.outcome([try Stage.fixture("dying", c), name]).output
  }

  private static let died = "code 3 status 11 core 1\n"

  @Test(arguments: Stage.C.allCases) func onlyOneThreadCollects(_ c: Stage.C) throws {
    let scene = try Scene()
    try scene.placeScript("echo once >> log; sleep 0.2")
    #expect(try outcome(of: scene, "many", c) == Self.died)
    #expect(try text(scene.scratch.path("log")) == "once\n")
  }

  /// As it would have been had the process died at once: other signals come too late.
  @Test(arguments: ["TERM", "INT", "HUP", "ABRT", "ALRM"])
  func signalsThatComeMeanwhile(_ name: String) throws {
    let scene = try Scene()
    try scene.placeScript("kill -\(name) $3")
    #expect(try outcome(of: scene, "fault") == Self.died)
  }

  @Test func helperIsKilled() throws {
    let scene = try Scene()
    try scene.placeScript("kill -KILL $PPID")
    #expect(try outcome(of: scene, "fault") == Self.died)
  }

  @Test func collectorIsKilled() throws {
    let scene = try Scene()
    try scene.placeScript("kill -KILL $$")
    #expect(try outcome(of: scene, "fault") == Self.died)
  }

  /// The process is killed while it waits: nothing that holds its memory or its sockets lives on.
  @Test func processIsKilled() throws {
    let scene = try Scene()
    try scene.placeScript(
      """
      helper=$PPID
      kill -KILL $3
      for i in 1 2 3 4 5 6 7 8 9 10; do [ -e /proc/$helper/exe ] && sleep 0.1; done
      [ -e /proc/$helper/exe ] && echo lives > log.new || echo gone > log.new
      mv log.new log
      """)
    #expect(try outcome(of: scene, "fault") == "code 2 status 9 core 0\n")
    let deadline = Date(timeIntervalSinceNow: 30)
    while !FileManager.default.fileExists(atPath: scene.scratch.path("log")), Date() < deadline {
      usleep(10_000)
    }
    #expect(try text(scene.scratch.path("log")) == "gone\n")
  }

  /// A process at its limits is collected nevertheless: its collector has limits of its own.
  @Test func limits() throws {
    let scene = try Scene()
    try scene.placeScript("ulimit -Sn > log; ls /proc/self/fd | wc -l >> log")
    let program = try Stage.fixture("dying")
    let script = """
      ulimit -Sn 12; ulimit -Sv 30000; exec 3<&0 4<&0 5<&0 6<&0 7<&0 8<&0 9<&0; exec '\(program)' fault
      """
    _ = try scene.outcome(["/bin/bash", "-c", script])
    let lines = try text(scene.scratch.path("log")).split(separator: "\n").map { Int($0) }
    // 0, 1, 2 and the folder that ls reads.
    #expect(lines.count == 2 && lines[0] != 12 && lines[1] == 4, "\(lines)")
  }

  /// The runtime has started createdump itself, by way of our hook: one report is enough.
  @Test(arguments: Runtime.allCases) func dotnetIsCollectedOnce(_ runtime: Runtime) throws {
    let scene = try Scene()
    try scene.placeScript("echo \"$@\" >> log")
    let program = try runtime.compile(RuntimeTests.unhandled, in: scene.scratch.folder)
    let with = try scene.outcome([runtime.dotnet, program])
    let log = try text(scene.scratch.path("log"))
    #expect(log.split(separator: "\n").count == 1, "\(log)")
    #expect(log.contains("--createdump"))
    #expect(with == (try scene.outcome([runtime.dotnet, program], caught: false)))
  }

  @Test func debugLogSaysWhatWasCaught() throws {
    let scene = try Scene()
    let outcome = try scene.outcome(
      [try Stage.fixture("dying"), "fault"], with: ["INQUEST_LOG": "debug"])
    #expect(outcome.errors.contains("inquest: caught signal 11"))
    #expect(outcome.errors.hasSuffix(", starting \(scene.collector)\n"))
  }
}
