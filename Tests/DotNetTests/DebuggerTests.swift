// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// Stacks of a live process, against gdb's of the same one.
@Suite(.enabled(if: Lab.isReady, "run `make fixtures` first"))
struct DebuggerTests {
  /// One line a thread: its id, then of every frame that is really on its stack the address and, after a
  /// comma, the function, if it has a name.
  private static let script = """
    import gdb
    for thread in gdb.selected_inferior().threads():
        thread.switch()
        frame, line = gdb.newest_frame(), ["stack", str(thread.ptid[1])]
        while frame is not None and len(line) < 200:
            if frame.type() not in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME):
                line.append(hex(frame.pc()) + "," + (frame.name() or "").split(" ")[0])
            try:
                frame = frame.older()
            except gdb.error:
                break
        print(*line, flush=True)
    """

  @Test(arguments: Runtime.allCases)
  func nativeFramesAreGdbs(_ runtime: Runtime) async throws {
    let (report, stacks) = try await Gate.programs.run {
      let place = try Run.Place("wait-long-in-native", on: runtime, .off)
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
    var known: [Int: [(pc: UInt64, name: Substring)]] = [:]
    for line in stacks.split(separator: "\n") where line.hasPrefix("stack ") {
      let words = line.split(separator: " ").dropFirst()
      known[Int(words.first ?? "") ?? 0] = words.dropFirst().compactMap { word in
        let parts = word.dropFirst(2).split(separator: ",", omittingEmptySubsequences: false)
        return UInt64(parts[0], radix: 16).map { ($0, parts[1]) }
      }
    }
    #expect(known.count == report.threads.count)
    var whole = 0
    for thread in report.threads {
      let frames = thread["frames"].list.filter { $0["kind"].text != "inlined" }
      // gdb cannot cross generated code; down to there it has to agree.
      let native = frames.prefix { $0["kind"].text == "native" }.compactMap { $0["ip"].address }
      let other = try #require(known[thread["id"].int ?? 0])
      #expect(!frames.isEmpty)
      #expect(native == other.prefix(native.count).map(\.pc), "thread \(thread["id"].int ?? 0)")
      if native.count == frames.count, native.count == other.count { whole += 1 }
    }
    // The runtime's own threads have no managed frames.
    #expect(whole >= 4)
    let main = try #require(
      report.threads.first { $0["id"].int == report.json["process"]["pid"].int })
    // Generated code has no name for gdb, and it goes astray in it: it never comes to what called Main.
    let frames = main["frames"].list
    let managed = frames.filter { $0["kind"].text == "managed" }
    #expect(managed.compactMap { $0["function"].text } == ["Crash.Modes+lambda", "Crash.Main"])
    #expect(main["complete"].bool == true)
    #expect(frames.contains { $0["function"].text == "__libc_start_main" })
    let theirs = try #require(known[main["id"].int ?? 0])
    let addresses = managed.compactMap { $0["ip"].address }
    #expect(theirs.contains { addresses.contains($0.pc) && $0.name.isEmpty })
    #expect(!theirs.contains { $0.name.hasPrefix("__libc_start_main") })
    #expect(frames.prefix(4).map { $0["function"].text }.contains("crash_sleep"))
    let problems = try await ReportFile.violations([report.path])
    #expect(problems == "")
  }
}
