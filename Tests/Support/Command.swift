import Foundation
import Glibc

/// What became of a program.
public struct Outcome: Sendable, CustomStringConvertible {
  /// Its exit status; nil when a signal ended it.
  public var status: Int32?
  public var signal: Int32?
  /// Whether the kernel wrote a core, or gave one to a program.
  public var dumpedCore: Bool
  public var output: [UInt8]
  public var errors: String
  public var seconds: Double

  public var text: String { String(decoding: output, as: UTF8.self) }
  /// The lines of standard error.
  public var complaints: [Substring] { errors.split(separator: "\n") }

  public var description: String {
    let end = status.map { "status \($0)" } ?? "signal \(signal ?? 0)"
    return "\(end) after \(seconds) s\noutput: \(text.prefix(2000))\nerrors: \(errors.prefix(4000))"
  }
}

/// Something that a test relies on does not work: not the thing under test.
public struct TestFailure: Error, CustomStringConvertible {
  public var description: String
  public init(_ description: String) { self.description = description }
}

/// Runs a program to its end, its output captured.
///
/// - Parameters:
///   - words: the program, looked up in PATH, and its arguments.
///   - environment: changes to our own; nil takes a variable out.
///   - timeout: seconds, after which the program is killed and the test fails.
public func run(
  _ words: [String], environment: [String: String?] = [:], input: String = "", timeout: Double = 30
) throws -> Outcome {
  let child = try Child(words, environment: environment)
  child.send(input)
  child.closeInput()
  return try child.finish(timeout: timeout)
}

/// Runs a program as `run` does, and measures the largest resident size of it or of any process that it
/// waited for, in bytes.
public func measure(_ words: [String]) throws -> (outcome: Outcome, peakMemory: Int) {
  // By somebody small: the kernel counts for a program what its starter occupied before execve(2).
  let script = """
    import resource, subprocess, sys
    status = subprocess.call(sys.argv[1:])
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
    sys.exit(status)
    """
  let outcome = try run(["python3", "-c", script] + words)
  guard let size = outcome.complaints.last.flatMap({ Int($0) }) else {
    throw TestFailure("no size: \(outcome)")
  }
  return (outcome, size * 1024)
}

/// As `run`, but a failure of the program is one of the test's means: its standard output.
public func output(
  of words: [String], environment: [String: String?] = [:], timeout: Double = 30
) throws -> String {
  let outcome = try run(words, environment: environment, timeout: timeout)
  guard outcome.status == 0 else {
    throw TestFailure("\(words.joined(separator: " ")): \(outcome)")
  }
  return outcome.text
}

/// A running program with a socket to each of its standard streams. Killed when its owner lets go of it.
public final class Child {
  public let pid: Int32
  private var input: Int32
  private let streams: [Int32]
  private var received: [[UInt8]] = [[], []]
  private var isOpen = [true, true]
  private let begun = Date()
  private var isReaped = false

  public init(_ words: [String], environment: [String: String?] = [:]) throws {
    var pipes: [[Int32]] = []
    for _ in 0..<3 {
      var pair: [Int32] = [-1, -1]
      // Sockets, because pipes cannot be made close-on-exec at once from Swift: a child of a test that
      // runs meanwhile must not keep these open.
      let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
      guard socketpair(AF_UNIX, type, 0, &pair) == 0 else {
        throw TestFailure("no socket pair: errno \(errno)")
      }
      pipes.append(pair)
    }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, pipes[0][0], 0)
    posix_spawn_file_actions_adddup2(&actions, pipes[1][1], 1)
    posix_spawn_file_actions_adddup2(&actions, pipes[2][1], 2)

    // The threads that run tests block signals, and a child would inherit that.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var (none, all) = (sigset_t(), sigset_t())
    sigemptyset(&none)
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

    var variables = ProcessInfo.processInfo.environment
    for (name, value) in environment { variables[name] = value }
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    var block: [UnsafeMutablePointer<CChar>?] = variables.map { strdup("\($0)=\($1)") } + [nil]
    defer { for text in arguments + block { free(text) } }
    var pid: Int32 = 0
    let code = posix_spawnp(&pid, words[0], &actions, &attributes, &arguments, &block)
    // Ends of the child: 0 reads from the first pair, 1 and 2 write to the others.
    for descriptor in [pipes[0][0], pipes[1][1], pipes[2][1]] { close(descriptor) }
    self.pid = pid
    input = pipes[0][1]
    streams = [pipes[1][0], pipes[2][0]]
    guard code == 0 else {
      isReaped = true
      throw TestFailure("cannot start \(words[0]): \(String(cString: strerror(code)))")
    }
  }

  deinit {
    closeInput()
    for stream in streams { close(stream) }
    guard !isReaped else { return }
    kill(pid, SIGKILL)
    var status: Int32 = 0
    waitpid(pid, &status, 0)
  }

  public func send(_ text: String) {
    guard input >= 0, !text.isEmpty else { return }
    let bytes = Array(text.utf8)
    // Tests send little: it fits into the buffer.
    _ = Glibc.send(input, bytes, bytes.count, Int32(MSG_NOSIGNAL))
  }

  public func closeInput() {
    if input >= 0 { close(input) }
    input = -1
  }

  /// The next whole line of standard output.
  public func line(timeout: Double = 10) throws -> String {
    let end = Date() + timeout
    while true {
      if let newline = received[0].firstIndex(of: 0x0a) {
        let line = String(decoding: received[0][..<newline], as: UTF8.self)
        received[0].removeSubrange(...newline)
        return line
      }
      guard isOpen[0], receive(until: end) else {
        throw TestFailure("process \(pid) printed no line within \(timeout) s")
      }
    }
  }

  /// Waits for the end of the program and of its output.
  public func finish(timeout: Double = 30) throws -> Outcome {
    let end = Date() + timeout
    while isOpen.contains(true) {
      guard receive(until: end) else {
        throw TestFailure("process \(pid) did not end within \(timeout) s; \(said)")
      }
    }
    var status: Int32 = 0
    while waitpid(pid, &status, WNOHANG) != pid {
      guard Date() < end else {
        throw TestFailure("process \(pid) closed its output, but lives on after \(timeout) s")
      }
      usleep(500)
    }
    isReaped = true
    let signal = status & 0x7f
    return Outcome(
      status: signal == 0 ? (status >> 8) & 0xff : nil, signal: signal == 0 ? nil : signal,
      dumpedCore: signal != 0 && status & 0x80 != 0, output: received[0],
      errors: String(decoding: received[1], as: UTF8.self),
      seconds: Date().timeIntervalSince(begun))
  }

  private var said: String {
    let (output, errors) = (received[0].prefix(500), received[1].prefix(2000))
    return "it said \(String(decoding: output, as: UTF8.self)) and "
      + String(decoding: errors, as: UTF8.self)
  }

  /// Takes in what there is, waiting if need be; false when the time is over.
  private func receive(until end: Date) -> Bool {
    let open = streams.indices.filter { isOpen[$0] }
    var polled = open.map { pollfd(fd: streams[$0], events: Int16(POLLIN), revents: 0) }
    let left = end.timeIntervalSinceNow
    guard left > 0 else { return false }
    guard poll(&polled, nfds_t(polled.count), Int32(min(left, 60) * 1000) + 1) > 0 else {
      return Date() < end
    }
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    for (index, entry) in zip(open, polled) where entry.revents != 0 {
      let count = read(entry.fd, &buffer, buffer.count)
      if count > 0 { received[index] += buffer[..<count] } else { isOpen[index] = false }
    }
    return true
  }
}
