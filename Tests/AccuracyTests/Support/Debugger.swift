import Foundation
import TestSupport

/// A frame as gdb sees it; see Tests/Fixtures/gdb-frames.py.
struct DebuggerFrame: Decodable, Sendable {
  var pc: UInt64
  /// gdb's own word: `normal`, `inlined`, `signal`, `tail_call`.
  var kind: String
  /// The function's name as the linker has it. Of a function that the linker has never heard of (a static
  /// one of C++, by gcc), the name in the source: no better one is in the debug information.
  var raw: String?
  /// As gdb prints it.
  var name: String?
  /// Where the function begins.
  var start: UInt64?
  var file: String?
  var line: Int?

  /// One that takes room on the stack. An inlined one shares another's; one that ended in a jump to its
  /// callee (`tail_call`) has left, and gdb infers it from the debug information.
  var isPhysical: Bool { kind == "normal" || kind == "signal" }
}

/// All threads' frames, innermost first, by thread id.
func debuggerFrames(_ pid: Int32) throws -> [Int: [DebuggerFrame]] {
  struct Answer: Decodable { var frames: [String: [DebuggerFrame]] }
  let words = [
    "gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off", "-iex", "set auto-load off", "-p",
    "\(pid)", "-x", Places.repository + "/Tests/Fixtures/gdb-frames.py",
  ]
  let outcome = try run(words, timeout: 120)
  guard let line = outcome.text.split(separator: "\n").last(where: { $0.hasPrefix("{\"frames\"") })
  else { throw TestFailure("gdb told nothing: \(outcome)") }
  let answer = try JSONDecoder().decode(Answer.self, from: Data(line.utf8))
  return Dictionary(uniqueKeysWithValues: answer.frames.map { (Int($0.key) ?? 0, $0.value) })
}
