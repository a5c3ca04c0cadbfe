import Foundation

/// One of the programs of Tests/Fixtures/native, running and ready to be looked at.
public final class Fixture {
  public let child: Child
  /// What it says of itself: it may have executed or forked on the way.
  public let pid: Int32

  /// Starts the program and waits until it is ready.
  public convenience init(
    _ name: String, _ arguments: String..., environment: [String: String] = [:]
  )
    throws
  {
    try self.init(words: [Places.native(name)] + arguments, environment: environment)
  }

  /// As above, for a program that is started by another.
  public convenience init(words: [String], environment: [String: String] = [:]) throws {
    try self.init(Child(words, environment: environment))
  }

  /// As above, for a program that runs already and had something else to say first.
  ///
  /// - Parameter hear: gets each line of that.
  public init(_ child: Child, hear: (String) throws -> Void = { _ in }) throws {
    self.child = child
    while true {
      let line = try child.line()
      guard line.hasPrefix("ready ") else {
        try hear(line)
        continue
      }
      guard let pid = Int32(line.dropFirst(6)) else { throw TestFailure("it said \"\(line)\"") }
      self.pid = pid
      return
    }
  }

  /// Asks for a sign of life: a number that grows as long as the program runs.
  public func beat() throws -> Int {
    child.send("\n")
    let words = try child.line().split(separator: " ")
    guard words.count >= 2, words[0] == "alive", let count = Int(words[1]) else {
      throw TestFailure("it said \(words)")
    }
    return count
  }

  /// True once the program has gone on beyond `count`; false after the time-out.
  public func goesOn(beyond count: Int, timeout: Double = 5) throws -> Bool {
    try eventually(timeout) { try self.beat() > count }
  }

  /// The letter of each thread's state, by thread id.
  public var states: [Int32: Character] { threadStates(pid) }

  /// True as soon as no thread is stopped any more; false after the time-out.
  public func runs(timeout: Double = 3) -> Bool {
    eventually(timeout) {
      let states = self.states
      return !states.isEmpty && !states.values.contains { "tT".contains($0) }
    }
  }

  /// Closes its standard input, at which it ends by itself.
  public func end() throws -> Outcome {
    child.closeInput()
    return try child.finish(timeout: 5)
  }
}

/// The letter of each thread's state, by thread id; empty once the process is gone.
public func threadStates(_ pid: Int32) -> [Int32: Character] {
  let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")) ?? []
  var states: [Int32: Character] = [:]
  for task in tasks {
    guard let id = Int32(task), let stat = try? bytes(of: "/proc/\(pid)/task/\(task)/stat"),
      let close = stat.lastIndex(of: UInt8(ascii: ")")), close + 2 < stat.count
    else { continue }
    states[id] = Character(Unicode.Scalar(stat[close + 2]))
  }
  return states
}

/// Asks again and again, as there is no event to wait for, until the answer is yes or the time is over.
public func eventually(_ seconds: Double, _ holds: () throws -> Bool) rethrows -> Bool {
  let end = Date() + seconds
  while true {
    if try holds() { return true }
    guard Date() < end else { return false }
    usleep(2000)
  }
}
