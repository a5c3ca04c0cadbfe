import Foundation

/// The threads that `watch.so` starts in a fixture, and what they saw: for how long the program stood still.
public final class StopWatch {
  /// Milliseconds.
  public struct Pause: Sendable {
    /// The longest that one thread stood still.
    public var longest: Double
    /// From the moment at which one thread stood still until none did: those that are stopped first are
    /// also released first.
    public var whole: Double
  }

  private let scratch: Scratch
  private var round: UInt64 = 0
  private var path: String { scratch.file("watch") }

  public init() throws { scratch = try Scratch() }

  /// What the fixture is to be started with.
  public var environment: [String: String] {
    get throws { ["LD_PRELOAD": try Places.native("watch.so"), "WATCH_FILE": path] }
  }

  /// For how long the watchers did not get to look at the clock while `body` ran.
  public func pause<Result>(during body: () throws -> Result) throws -> (Pause, Result) {
    round += 1
    try want(round)
    let result = try body()
    // A step of the clock is counted at its end, when they look again.
    usleep(5000)
    let words = try words
    try want(0)
    let (longest, end) = ([words[2], words[6]], [words[3], words[7]])
    let begin = zip(longest, end).map { $1 - $0 }
    let pause = Pause(
      longest: Double(longest.max()!) / 1e6, whole: Double(end.max()! - begin.min()!) / 1e6)
    return (pause, result)
  }

  /// As in watch.c: `wanted`, then `seen`, `longest`, `end` and `has_priority` of each watcher.
  private var words: [UInt64] {
    get throws {
      let bytes = try bytes(of: path)
      guard bytes.count == 72 else { throw TestFailure("\(path) has \(bytes.count) bytes") }
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
      return words[1] == value && words[5] == value
    }
    guard answered else { throw TestFailure("the watchers do not answer") }
  }
}
