// SPDX-License-Identifier: Apache-2.0
import Foundation

/// What a thread of Throws.dll says of itself before it blocks, or dies in native code: a head line, then
/// what the runtime's Environment.StackTrace is.
struct BlockedThread: Sendable {
  var name: String
  var id: Int
  var managedID: Int
  /// From the one that blocks outwards. Without methods that are native functions: on the stack these are
  /// native frames.
  var frames: [RuntimeWords.Frame]

  static func all(in output: String) -> [BlockedThread] {
    output.components(separatedBy: "\n\n").compactMap { text in
      let lines = text.split(separator: "\n").map(String.init)
      guard let start = lines.firstIndex(where: { $0.hasPrefix("blocked ") }) else { return nil }
      let words = lines[start].split(separator: " ")
      guard words.count == 4, let id = Int(words[2]), let managedID = Int(words[3]) else {
        return nil
      }
      let frames = RuntimeWords.frames(Array(lines[(start + 1)...]))
      let telling = frames.firstIndex { $0.method.hasPrefix("Waits.Tell(") } ?? -1
      return BlockedThread(
        name: String(words[1]), id: id, managedID: managedID,
        frames: frames[(telling + 1)...].filter { !$0.method.hasPrefix("Native.crash_") })
    }
  }

  /// Of a caller that does nothing more, 3.1 prints the line to which the call returns. The innermost one
  /// does more, on the same line.
  func reliable(_ runtime: Runtime) -> [RuntimeWords.Frame] {
    guard runtime == .core3 else { return frames }
    return frames.prefix(1) + frames.dropFirst().map { RuntimeWords.Frame(method: $0.method) }
  }
}
