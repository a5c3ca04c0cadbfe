// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// INQUEST_CATCH=1: the collector is started, with the facts, and the program ends as without us.
struct CatchTests {
  struct Death: Sendable, CustomStringConvertible {
    var scene: String
    var signal: Int32
    var code: Int
    var address: String?
    var description: String { scene }
  }

  static let deaths = [
    Death(scene: "fault", signal: SIGSEGV, code: 1, address: "8"),
    Death(scene: "read-only", signal: SIGSEGV, code: 2),
    Death(scene: "non-canonical", signal: SIGSEGV, code: 128, address: "0"),
    Death(scene: "halt", signal: SIGSEGV, code: 128, address: "0"),
    Death(scene: "overflow-trap", signal: SIGSEGV, code: 128, address: "0"),
    Death(scene: "bus", signal: SIGBUS, code: 2),
    Death(scene: "stack-segment", signal: SIGBUS, code: 128, address: "0"),
    Death(scene: "illegal", signal: SIGILL, code: 2),
    Death(scene: "arithmetic", signal: SIGFPE, code: 1),
    Death(scene: "breakpoint", signal: SIGTRAP, code: 128, address: "0"),
    Death(scene: "long-breakpoint", signal: SIGTRAP, code: 128, address: "0"),
    Death(scene: "ice-breakpoint", signal: SIGTRAP, code: 1),
    Death(scene: "single-step", signal: SIGTRAP, code: 2),
    Death(scene: "filter", signal: SIGSYS, code: 1),
    Death(scene: "abort", signal: SIGABRT, code: -6),
    Death(scene: "raise", signal: SIGBUS, code: -6),
    Death(scene: "queue", signal: SIGILL, code: -1),
    Death(scene: "kill", signal: SIGSEGV, code: 0),
    Death(scene: "reset-and-raise", signal: SIGSEGV, code: -6),
    Death(scene: "reset-and-return", signal: SIGSEGV, code: 1, address: "8"),
    Death(scene: "many", signal: SIGSEGV, code: 1, address: "8"),
    Death(scene: "fork", signal: SIGSEGV, code: 1, address: "8"),
    Death(scene: "vfork", signal: SIGSEGV, code: 1, address: "8"),
  ]

  private func check(_ death: Death, _ program: [String], onThread: Bool) throws {
    let scene = try Scene()
    let with = try scene.outcome(program)
    #expect(with == (try scene.outcome(program, caught: false)))
    #expect(with.output.contains("status \(death.signal) "), "\(with)")
    let arguments = try #require(try scene.collectorSeen?.arguments)
    let pid = arguments[3]
    let thread = try #require(Int(arguments[15]))
    let address = try #require(Int(arguments[13]))
    #expect(
      arguments == [
        "inquest-collector", "crash", "--pid", pid, "--", "createdump", "--signal",
        "\(death.signal)", "--code", "\(death.code)", "--errno", "0", "--address", "\(address)",
        "--crashthread", "\(thread)", pid,
      ])
    if let expected = death.address { #expect(arguments[13] == expected) }
    if death.scene != "kill" && death.scene != "queue" {
      // A signal to the whole process goes to a thread of the kernel's choice.
      #expect((pid != arguments[15]) == (onThread || death.scene == "many"))
    }
  }

  @Test(arguments: deaths, Stage.C.allCases)
  func startsTheCollector(_ death: Death, _ c: Stage.C) throws {
    let program = try Stage.fixture("dying", c)
    try check(death, [program, death.scene], onThread: false)
    try check(death, [program, death.scene, "thread"], onThread: true)
  }

  /// musl's own C11 threads have all signals blocked: nobody can catch anything there.
  @Test(arguments: deaths) func startsTheCollectorForC11Threads(_ death: Death) throws {
    try check(death, [try Stage.fixture("dying"), death.scene, "c11"], onThread: true)
  }

  @Test(arguments: Stage.C.allCases, [[], ["thread"]])
  func catchesStackOverflows(_ c: Stage.C, _ where: [String]) throws {
    for scene in ["overflow", "no-stack"] {
      try checkIdentical([try Stage.fixture("dying", c), scene] + `where`, caught: true)
    }
  }

  private func checkIdentical(_ program: [String], caught: Bool) throws {
    let scene = try Scene()
    let with = try scene.outcome(program)
    #expect(with == (try scene.outcome(program, caught: false)))
    #expect((try scene.collectorSeen != nil) == caught, "\(program)")
  }

  /// Where nothing can be caught, nothing changes.
  @Test(arguments: ["strict", "abort-on-little-stack"], Stage.C.allCases)
  func leavesAlone(_ scene: String, _ c: Stage.C) throws {
    try checkIdentical([try Stage.fixture("dying", c), scene], caught: false)
  }

  @Test(arguments: ["0", "", "2", nil, "off"]) func isOffByDefault(_ value: String?) throws {
    let scene = try Scene()
    let program = [try Stage.fixture("dying"), "fault"]
    let with = try scene.outcome(program, with: ["INQUEST_CATCH": value])
    #expect(with == (try scene.outcome(program, caught: false)))
    #expect(try scene.collectorSeen == nil)
  }

  @Test func offSwitchIsStronger() throws {
    let scene = try Scene()
    _ = try scene.outcome(
      [try Stage.fixture("dying"), "fault"], with: ["INQUEST_ENABLED": "0"])
    #expect(try scene.collectorSeen == nil)
  }

  @Test(arguments: ["true", "YES", "On"]) func otherSpellings(_ value: String) throws {
    let scene = try Scene()
    _ = try scene.outcome([try Stage.fixture("dying"), "fault"], with: ["INQUEST_CATCH": value])
    #expect(try scene.collectorSeen != nil)
  }

  @Test func environmentOfTheCollector() throws {
    let scene = try Scene()
    _ = try scene.outcome(
      [try Stage.fixture("dying"), "fault"], with: ["SWIFT_BACKTRACE": "enable=yes"])
    let seen = try #require(try scene.collectorSeen)
    #expect(seen.value("LD_PRELOAD") == nil)
    #expect(seen.value("SWIFT_BACKTRACE") == "enable=no")
    #expect(seen.value("HOME") == "/tmp")
    #expect(!seen.environment.contains { $0.contains("MiniDump") })
  }

  @Test func missingCollector() throws {
    let scene = try Scene()
    try FileManager.default.removeItem(atPath: scene.collector)
    let program = [try Stage.fixture("dying"), "fault"]
    let with = try scene.outcome(program)
    #expect(with.output == (try scene.outcome(program, caught: false)).output)
    #expect(
      with.errors == "inquest: cannot execute the collector \(scene.collector): error 2\n")
  }

  /// The kernel's core of a process that we had caught tells the same story.
  /// (Two frames: musl has no unwind information, and what gdb finds further up is what the stack held.)
  @Test(
    .enabled("cores have this name") {
      (try? text("/proc/sys/kernel/core_pattern")) == "core\n"
    }, arguments: ["fault", "breakpoint", "raise", "abort", "filter"], Stage.C.allCases)
  func coreIsTheSame(_ name: String, _ c: Stage.C) throws {
    let scene = try Scene()
    let program = try Stage.fixture("dying", c)
    func story(caught: Bool) throws -> String {
      _ = try scene.outcome([program, name], caught: caught)
      let outcome = try run(
        "/usr/bin/gdb",
        [
          "-nx", "-batch", "-ex", "print $_siginfo.si_signo", "-ex", "print $_siginfo.si_code",
          "-ex", "info symbol $pc", "-ex", "x/2i $pc", "-ex", "backtrace 2", program,
          scene.scratch.path("core"),
        ], environment: ["PATH": "/usr/bin:/bin", "LC_ALL": "C"], in: scene.scratch.folder)
      try FileManager.default.removeItem(atPath: scene.scratch.path("core"))
      let lines = outcome.output.split(separator: "\n")
      return lines.filter { $0.contains("$") || $0.contains("#") || $0.contains(" in section ") }
        .map { line in line.split(separator: " ").filter { !$0.hasPrefix("0x") } }
        .map { $0.joined(separator: " ") }.joined(separator: "\n")
    }
    let with = try story(caught: true)
    #expect(try scene.collectorSeen != nil)
    #expect(with == (try story(caught: false)))
    #expect(with.contains("#1"))
  }
}
