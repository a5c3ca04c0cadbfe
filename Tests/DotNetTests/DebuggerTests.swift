// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// Stacks of a live process, against gdb's of the same one.
@Suite(.enabled(if: Lab.isReady, "run `make fixtures` first"))
struct DebuggerTests {
  /// One line a thread: its id, then the address of every frame that is really on its stack.
  private static let script = """
    import gdb
    for thread in gdb.selected_inferior().threads():
        thread.switch()
        frame, line = gdb.newest_frame(), ["stack", str(thread.ptid[1])]
        while frame is not None and len(line) < 200:
            if frame.type() not in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME):
                line.append(hex(frame.pc()))
            try:
                frame = frame.older()
            except gdb.error:
                break
        print(*line, flush=True)
    """

  @Test(arguments: Runtime.allCases)
  func nativeFramesAreGdbs(_ runtime: Runtime) async throws {
    let (report, stacks) = try await Gate.programs.run {
      let place = try Run.Place("wait-in-native", on: runtime, .off)
      let program = try place.start(readsInput: true)
      #expect(await program.wait(20, until: { program.output.hasSuffix("\n") }))
      try await Task.sleep(for: .milliseconds(200))
      // Now nothing moves between one look and the other, and a stopped process is one more case.
      program.send(SIGSTOP)
      let path = place.folder + "/live.json"
      _ = try await Program.output([Lab.inquest, "capture", "\(program.pid)", "-o", path])
      let script = place.folder + "/stacks.py"
      try Lab.write(Self.script, to: script)
      let printed = try await Program.output(
        ["gdb", "-nx", "-batch", "-p", "\(program.pid)", "-x", script], acceptsFailure: true)
      program.send(SIGKILL)
      return (try ReportFile(path), printed)
    }
    var known: [Int: [UInt64]] = [:]
    for line in stacks.split(separator: "\n") where line.hasPrefix("stack ") {
      let words = line.split(separator: " ").dropFirst()
      known[Int(words.first ?? "") ?? 0] = words.dropFirst().compactMap {
        UInt64($0.dropFirst(2), radix: 16)
      }
    }
    #expect(known.count == report.threads.count)
    var whole = 0
    for thread in report.threads {
      let frames = thread["frames"].list
      // gdb cannot cross generated code; down to there it has to agree.
      let native = frames.prefix { $0["kind"].text == "native" }.compactMap { $0["ip"].address }
      let other = try #require(known[thread["id"].int ?? 0])
      #expect(!frames.isEmpty)
      #expect(native == Array(other.prefix(native.count)), "thread \(thread["id"].int ?? 0)")
      if native.count == frames.count, native.count == other.count { whole += 1 }
    }
    // The runtime's own threads have no managed frames.
    #expect(whole >= 4)
    let main = try #require(
      report.threads.first { $0["id"].int == report.json["process"]["pid"].int })
    #expect(main["frames"].list.prefix(4).map { $0["function"].text }.contains("crash_sleep"))
    let problems = try await ReportFile.violations([report.path])
    #expect(problems == "")
  }
}
