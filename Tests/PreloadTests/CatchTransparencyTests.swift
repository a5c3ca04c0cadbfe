// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// INQUEST_CATCH=1: what the program sees of itself.
struct CatchTransparencyTests {
  private func checkIdentical(_ program: [String], saying text: String? = nil) throws -> Scene {
    let scene = try Scene()
    let with = try scene.outcome(program)
    #expect(with == (try scene.outcome(program, caught: false)))
    if let text { #expect(with.output.contains(text), "\(with)") }
    return scene
  }

  @Test(arguments: Stage.C.allCases) func actionsAndStacks(_ c: Stage.C) throws {
    let scene = try checkIdentical([try Stage.fixture("dispositions", c)], saying: "cancelled 1")
    #expect(try scene.collectorSeen == nil)
  }

  @Test(arguments: InnocentProgramTests.examples)
  func innocentProgram(_ example: InnocentProgramTests.Example) throws {
    let scene = try checkIdentical([example.program] + example.arguments)
    #expect(try scene.collectorSeen == nil)
  }

  @Test func pythonWithThreads() throws {
    let script = """
      import faulthandler, signal, threading
      print(signal.getsignal(signal.SIGSEGV), signal.getsignal(signal.SIGABRT))
      faulthandler.enable()
      faulthandler.disable()
      results = []
      threads = [threading.Thread(target=results.append, args=(i,)) for i in range(20)]
      [t.start() for t in threads]; [t.join() for t in threads]
      print(sorted(results))
      """
    _ = try checkIdentical(["/usr/bin/python3", "-c", script], saying: "19]")
  }

  /// Python's handler prints, puts back what it found, and raises again: then it is our turn.
  @Test func pythonsFaultHandlerComesFirst() throws {
    let script = """
      import ctypes, faulthandler
      faulthandler.enable()
      ctypes.string_at(8)
      """
    let scene = try Scene()
    let outcome = try scene.outcome(["/usr/bin/python3", "-c", script])
    #expect(outcome.errors.hasPrefix("Fatal Python error: Segmentation fault"))
    #expect(outcome.output.contains("status 11"))
    #expect(try scene.collectorSeen != nil)
  }

  /// The runtime of Go has its own way with signals, and is left alone.
  @Test func goIsLeftAlone() throws {
    let scene = try Scene()
    let source = scene.scratch.path("main.go")
    let program = scene.scratch.path("program")
    let text = """
      package main
      // #include <stdlib.h>
      import "C"
      import ("fmt"; "os"; "syscall")
      func main() {
        func() {
          defer func() { fmt.Println("recovered:", recover()) }()
          var nothing *int
          *nothing = int(C.abs(1))
        }()
        syscall.Kill(os.Getpid(), syscall.SIGABRT)
        select {}
      }
      """
    try Data(text.utf8).write(to: URL(fileURLWithPath: source))
    let built = try run(
      "/usr/bin/env", ["go", "build", "-o", program, source],
      environment: [
        "PATH": "/usr/bin:/bin", "HOME": scene.scratch.folder, "GOFLAGS": "-mod=mod",
      ])
    try #require(built.status == 0, "\(built)")
    let outcome = try scene.outcome([program])
    #expect(outcome.output.contains("recovered: runtime error: invalid memory address"))
    let without = try scene.outcome([program], caught: false)
    #expect(outcome.output == without.output)
    #expect(try scene.collectorSeen == nil)
  }

  /// Neither mappings nor memory stay behind, however a thread ends.
  @Test(arguments: Stage.C.allCases) func tenThousandThreads(_ c: Stage.C) throws {
    _ = try checkIdentical([try Stage.fixture("dying", c), "threads"], saying: "survived\n")
  }

  @Test(arguments: Stage.C.allCases) func handlerThatCountsOnTheThreadsStack(_ c: Stage.C) throws {
    _ = try checkIdentical(
      [try Stage.fixture("dying", c), "handler-without-stack"], saying: "handled")
  }

  // MARK: The init of a PID namespace

  static let unshare = ["/usr/bin/unshare", "--fork", "--pid", "--mount-proc"]

  /// A fault kills it, a signal that was sent does not.
  @Test(
    arguments: [
      "fault", "non-canonical", "halt", "overflow-trap", "bus", "stack-segment", "illegal",
      "arithmetic", "breakpoint", "long-breakpoint", "ice-breakpoint", "single-step", "filter",
      "abort", "raise", "overflow",
    ], Stage.C.allCases)
  func initOfANamespace(_ name: String, _ c: Stage.C) throws {
    let scene = try Scene()
    let program = [try Stage.fixture("dying", c), name]
    // Not by way of `outcome`'s env: unshare itself is not to be caught.
    func end(caught: Bool) throws -> Outcome {
      let preload = try Stage.shim
      let variables =
        caught
        ? ["LD_PRELOAD=\(preload)", "INQUEST_CATCH=1", "INQUEST_COLLECTOR=\(scene.collector)"] : []
      let inner = ["/usr/bin/env", "-i"] + variables + program
      return try run(
        Self.unshare[0], Array(Self.unshare.dropFirst()) + inner, environment: [:],
        in: scene.scratch.folder)
    }
    let with = try end(caught: true)
    #expect(with == (try end(caught: false)))
    #expect(try scene.collectorSeen?.arguments[3] == "1")
    #expect((with.output == "survived\n") == (name == "raise"))
  }

  @Test(arguments: Stage.C.allCases) func collectorIsNoChildOfTheProgram(_ c: Stage.C) throws {
    let scene = try checkIdentical(
      Self.unshare + [try Stage.fixture("dying", c), "children"],
      saying: "0 announced, waitpid returns -1\nsurvived\n")
    #expect(try scene.collectorSeen != nil)
  }
}
