import CLinux
import Glibc

/// A child process that ends with its owner.
struct Child: ~Copyable {
  /// How a child ended.
  enum End: Equatable, CustomStringConvertible {
    case exited(Int32)
    case signaled(Int32)
    case timedOut
    case notStarted(String)

    var description: String {
      switch self {
      case .exited(let status): "exit status \(status)"
      case .signaled(let number): "killed by signal \(number)"
      case .timedOut: "no answer in time"
      case .notStarted(let reason): "not started: \(reason)"
      }
    }
  }

  let pid: pid_t
  private let output: Int32
  private let errors: Int32
  private var end: End?

  /// Starts a program with /dev/null as stdin and pipes as stdout and stderr.
  ///
  /// - Parameter environment: variables to set (or, with nil, to remove) on top of our own.
  init(_ path: String, _ arguments: [String], environment: [String: String?] = [:]) throws(Failure)
  {
    var out: [Int32] = [-1, -1]
    var err: [Int32] = [-1, -1]
    guard pipe2(&out, O_CLOEXEC) == 0, pipe2(&err, O_CLOEXEC) == 0 else {
      throw Failure("cannot make a pipe: \(String(cString: strerror(errno)))")
    }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, out[1], 1)
    posix_spawn_file_actions_adddup2(&actions, err[1], 2)
    var pid: pid_t = 0
    let code = Execute.withCStrings([path] + arguments) { argv in
      Execute.withCStrings(Self.merged(environment)) { variables in
        posix_spawn(&pid, path, &actions, nil, argv, variables)
      }
    }
    posix_spawn_file_actions_destroy(&actions)
    close(out[1])
    close(err[1])
    guard code == 0 else {
      close(out[0])
      close(err[0])
      throw Failure("\(path): \(String(cString: strerror(code)))")
    }
    self.pid = pid
    output = out[0]
    errors = err[0]
  }

  deinit {
    if end == nil {
      kill(pid, SIGKILL)
      var status: Int32 = 0
      while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    }
    close(output)
    close(errors)
  }

  private static func merged(_ changes: [String: String?]) -> [String] {
    var result: [String] = []
    var entry = inquest_environment()
    while let text = entry?.pointee {
      let variable = String(cString: text)
      let name = String(variable.prefix { $0 != "=" })
      if !changes.keys.contains(name) { result.append(variable) }
      entry = entry?.successor()
    }
    return result + changes.compactMap { name, value in value.map { "\(name)=\($0)" } }
  }

  /// The first line on its stdout; nil if none comes in time.
  func firstLine(within milliseconds: Int32) -> String? {
    var line: [UInt8] = []
    var byte: UInt8 = 0
    var waiting = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
    while line.count < 200, poll(&waiting, 1, milliseconds) > 0, Glibc.read(output, &byte, 1) == 1 {
      if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
      line.append(byte)
    }
    return nil
  }

  /// Reads its output to the end and waits for it; kills it when the time is up.
  mutating func finish(within seconds: Int) -> (end: End, output: [UInt8], errors: String) {
    let deadline = Self.now() + seconds * 1000
    var texts: [[UInt8]] = [[], []]
    var open = [true, true]
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while open[0] || open[1] || end == nil {
      let left = deadline - Self.now()
      guard left > 0 else { break }
      if end == nil { end = reaped() }
      var waiting = [output, errors].enumerated().map {
        pollfd(fd: open[$0.offset] ? $0.element : -1, events: Int16(POLLIN), revents: 0)
      }
      // A grandchild may hold the pipes open; once the child is gone, what is there is all.
      let ready = poll(&waiting, 2, end == nil ? Int32(min(left, 20)) : 0)
      if ready == 0, end != nil { break }
      for index in 0...1 where waiting[index].revents != 0 {
        let count = Glibc.read(waiting[index].fd, &buffer, buffer.count)
        if count > 0 { texts[index] += buffer[..<count] } else { open[index] = false }
      }
      // Both pipes are closed, the child not yet gone: poll on nothing is a short sleep.
    }
    let result = end ?? .timedOut
    return (result, texts[0], String(decoding: texts[1], as: UTF8.self))
  }

  private func reaped() -> End? {
    var status: Int32 = 0
    guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
    return inquest_signaled(status) != 0
      ? .signaled(inquest_term_signal(status)) : .exited(inquest_exit_status(status))
  }

  private static func now() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
  }

  /// Runs a program to its end.
  static func run(
    _ path: String, _ arguments: [String], environment: [String: String?] = [:],
    within seconds: Int = 20
  ) -> (end: End, output: [UInt8], errors: String) {
    do throws(Failure) {
      var child = try Child(path, arguments, environment: environment)
      return child.finish(within: seconds)
    } catch {
      return (.notStarted(error.message), [], "")
    }
  }
}
