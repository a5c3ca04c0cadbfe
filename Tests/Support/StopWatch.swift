import Foundation

/// The threads that `watch.so` starts in a fixture, and what they saw: for how long the program stood still.
public final class StopWatch {
  /// Milliseconds.
  public struct Pause: Sendable {
    /// Seen by the thread that was there before the program's own, and by the one that came after them.
    public var early: Double
    public var late: Double
    public var longest: Double { max(early, late) }
  }

  private let scratch: Scratch
  private var round: UInt64 = 0
  private var path: String { scratch.file("watch") }

  public init() throws { scratch = try Scratch() }

  /// What the fixture is to be started with.
  public var environment: [String: String] {
    get throws { ["LD_PRELOAD": try Places.native("watch.so"), "WATCH_FILE": path] }
  }

  /// The longest time for which the watchers did not get to look at the clock while `body` ran.
  public func pause<Result>(during body: () throws -> Result) throws -> (Pause, Result) {
    round += 1
    try want(round)
    let result = try body()
    // A step of the clock is counted at its end, when they look again.
    usleep(5000)
    let words = try words
    try want(0)
    return (Pause(early: Double(words[2]) / 1e6, late: Double(words[5]) / 1e6), result)
  }

  /// As in watch.c: `wanted`, then `seen`, `longest` and `has_priority` of each watcher.
  private var words: [UInt64] {
    get throws {
      let bytes = try bytes(of: path)
      guard bytes.count == 56 else { throw TestFailure("\(path) has \(bytes.count) bytes") }
      return bytes.withUnsafeBytes { Array($0.bindMemory(to: UInt64.self)) }
    }
  }

  private func want(_ value: UInt64) throws {
    let file = open(path, O_RDWR | O_CLOEXEC)
    guard file >= 0 else { throw TestFailure("cannot open \(path): errno \(errno)") }
    defer { close(file) }
    var value = value
    guard pwrite(file, &value, 8, 0) == 8 else { throw TestFailure("cannot write \(path)") }
    let answered = try eventually(10) {
      let words = try self.words
      return words[1] == value && words[4] == value
    }
    guard answered else { throw TestFailure("the watchers do not answer") }
  }
}
