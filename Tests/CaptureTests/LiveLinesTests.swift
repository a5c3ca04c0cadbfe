import Foundation
import Report
import TestSupport
import Testing

@testable import Capture

/// Lines and inlined calls of a real process, against gdb.
@Suite(.timeLimit(.minutes(5))) struct LiveLinesTests {
  /// gdb's backtrace of the process's only thread: function without parameters, `file:line`.
  private func backtrace(_ pid: Int32) throws -> [(function: String, place: String)] {
    let text = try output(
      of: [
        "gdb", "-nx", "-batch", "-p", "\(pid)", "-ex", "set debuginfod enabled off", "-ex",
        "set width 0", "-ex", "set filename-display absolute", "-ex", "bt -frame-arguments none",
      ], timeout: 60)
    return text.split(separator: "\n").compactMap { line in
      guard
        let match = line.firstMatch(
          of: #/^\#\d+ +(?:0x[0-9a-f]+ in )?(.+?) \([^()]*\)(?: const)? at (.+:\d+)$/#)
      else { return nil }
      return (String(match.1), String(match.2))
    }
  }

  private func place(_ frame: Frame) -> String? {
    frame.file.flatMap { file in frame.line.map { "\(file):\($0)" } }
  }

  @Test func gdbSeesTheSame() throws {
    let fixture = try Fixture("inlined")
    let captured = try Captured(fixture.pid)
    #expect(captured.outcome.status == ExitStatus.done)
    let thread = try #require(captured.thread(fixture.pid))
    let gdb = try backtrace(fixture.pid)
    // From the function that waits on; what is above is the C library's.
    let start = try #require(
      thread.frames.firstIndex { $0.function?.hasPrefix("shop::wait") == true })
    let end = try #require(thread.frames.firstIndex { $0.function == "main" })
    let frames = thread.frames[start...end]
    let truth = Array(gdb.drop { $0.function != "shop::wait" })
    try #require(truth.last?.function == "main", "\(gdb)")
    #expect(frames.map(place) == truth.map(\.place))
    let kinds: [Frame.Kind] =
      [.native, .inlined, .inlined, .native]
      + Array(repeating: [.inlined, .native], count: 3).joined()
    #expect(frames.map(\.kind) == kinds + [.native])
    for (frame, other) in zip(frames, truth) {
      // gdb leaves out where a lambda is from.
      let name = other.function.split(separator: "::").first.map(String.init) ?? ""
      #expect(frame.function?.contains(name) == true, "\(frame.function ?? "?"), not \(other)")
    }
    let names = frames.compactMap(\.function)
    #expect(names.contains("shop::Order::total() const"), "\(names)")
    #expect(names.contains { $0.hasPrefix("int shop::step<int>(int)") }, "\(names)")
    // What was inlined is where its function is.
    for (inner, outer) in zip(frames, frames.dropFirst()) where inner.kind == .inlined {
      #expect((inner.ip, inner.sp) == (outer.ip, outer.sp))
      #expect((inner.module, inner.trust) == (outer.module, outer.trust))
      #expect(inner.functionOffset == nil)
    }
    #expect(thread.frameCount == thread.frames.count { $0.kind != .inlined })
    #expect(captured.report.report.timing.stages.contains { $0.name == "lines" })
  }

  @Test func aRecursionIsFoldedWithWhatIsInlined() throws {
    let fixture = try Fixture("inlined", "10000")
    let captured = try Captured(fixture.pid)
    let thread = try #require(captured.thread(fixture.pid))
    let start = try #require(thread.frames.firstIndex { $0.repeated != nil })
    let repeated = try #require(thread.frames[start].repeated)
    #expect(repeated.frames == 2)
    let round = thread.frames[start..<(start + 2)]
    #expect(round.map(\.kind) == [.inlined, .native])
    #expect(round.first?.function?.contains("step<int>") == true)
    #expect(round.last?.function?.hasPrefix("shop::recurse") == true)
    #expect(thread.frames.count < 50)
    let listed = thread.frames.count { $0.kind != .inlined }
    #expect(thread.frameCount == listed + repeated.times - 1)
    let scratch = try Scratch()
    let file = scratch.file("report.json")
    try Data(captured.json).write(to: URL(fileURLWithPath: file))
    let shown = try output(of: [Places.inquest, "show", file])
    #expect(shown.contains("the 2 frames above"), "\(shown)")
    #expect(!shown.contains("not in the report"), "\(shown)")
  }

  @Test(arguments: [["--no-symbols"], ["--no-lines"]])
  func theyCanBeLeftOut(options: [String]) throws {
    let fixture = try Fixture("inlined")
    let collector = try Places.collector
    let words = [collector, "capture", "--pid", "\(fixture.pid)", "--output", "-"]
    let captured = try Captured(words: words + options)
    let thread = try #require(captured.thread(fixture.pid))
    let frames = thread.frames
    #expect(frames.allSatisfy { $0.file == nil && $0.kind == .native })
    let isNamed = frames.contains { $0.function?.hasPrefix("shop::recurse") == true }
    #expect(isNamed == (options == ["--no-lines"]))
  }
}
