// SPDX-License-Identifier: Apache-2.0
import Foundation

struct LabFailure: Error, CustomStringConvertible {
  var description: String
}

/// How a program ended.
enum Ending: Equatable, Sendable, CustomStringConvertible {
  case exited(Int32)
  case killed(Int32)
  /// A thread of it is parked for ever, as 8.0 parks the second thread that crashes.
  case hung
  case timedOut

  var description: String {
    switch self {
    case .exited(let status): "exit \(status)"
    case .killed(let number): "killed by signal \(number)"
    case .hung: "hangs"
    case .timedOut: "no end in time"
    }
  }
}

/// What became of a program.
struct Outcome: Sendable {
  var ending: Ending
  var output: String
  var errors: String
  var pid: pid_t
}

/// A program under test: default signals, nothing blocked, no core files, and its streams in files, so
/// that whatever it leaves running cannot keep a test waiting.
final class Program: @unchecked Sendable {
  let pid: pid_t
  private let outputPath: String
  private let errorPath: String
  private var input: Int32 = -1
  private var end: Ending?

  /// - Parameters:
  ///   - scratch: where the files of its streams go; its current directory unless `directory` says else.
  ///   - errors: a descriptor for its standard error, instead of a file; -1 for none at all.
  init(
    _ words: [String], environment: [String: String], scratch: String, directory: String? = nil,
    readsInput: Bool = false, errors: Int32? = nil
  ) throws {
    Self.prepare
    let name = UUID().uuidString
    outputPath = "\(scratch)/\(name).out"
    errorPath = "\(scratch)/\(name).err"

    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    var ends: [Int32] = [-1, -1]
    if readsInput {
      guard pipe(&ends) == 0 else { throw LabFailure(description: "no pipe") }
      for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
      posix_spawn_file_actions_adddup2(&actions, ends[0], 0)
    } else {
      posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    }
    let flags = O_WRONLY | O_CREAT | O_APPEND
    posix_spawn_file_actions_addopen(&actions, 1, outputPath, flags, 0o644)
    if let errors {
      _ =
        errors < 0
        ? posix_spawn_file_actions_addclose(&actions, 2)
        : posix_spawn_file_actions_adddup2(&actions, errors, 2)
    } else {
      posix_spawn_file_actions_addopen(&actions, 2, errorPath, flags, 0o644)
    }

    // A shell's background job ignores SIGINT and SIGQUIT, and so would all that it starts.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigfillset(&signals)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGDEF) | Int16(POSIX_SPAWN_SETSIGMASK))

    var child: pid_t = 0
    let changing = ["/usr/bin/env", "-C", directory ?? scratch] + words
    let code = withCStrings(changing) { argv in
      withCStrings(environment.map { "\($0)=\($1)" }) { envp in
        posix_spawn(&child, changing[0], &actions, &attributes, argv, envp)
      }
    }
    if ends[0] >= 0 { close(ends[0]) }
    input = ends[1]
    pid = child
    guard code == 0 else {
      throw LabFailure(description: "\(words[0]): \(String(cString: strerror(code)))")
    }
  }

  deinit {
    if end == nil {
      kill(pid, SIGKILL)
      var status: Int32 = 0
      waitpid(pid, &status, 0)
    }
    if input >= 0 { close(input) }
  }

  /// Once for the whole test process: its children inherit the limit, and it survives closed pipes.
  private static let prepare: Void = {
    // The soft limit: a test may want them.
    var none = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
    none.rlim_cur = 0
    setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
    signal(SIGPIPE, SIG_IGN)
  }()

  var output: String { contents(outputPath) }
  var errors: String { contents(errorPath) }

  private func contents(_ path: String) -> String {
    FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }

  func write(_ text: String) {
    _ = Array(text.utf8).withUnsafeBytes { Foundation.write(input, $0.baseAddress, $0.count) }
  }

  func send(_ signal: Int32) { kill(pid, signal) }

  private func reap() -> Ending? {
    if let end { return end }
    var status: Int32 = 0
    guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
    let signal = status & 0x7f
    end = signal == 0 ? .exited((status >> 8) & 0xff) : .killed(signal)
    return end
  }

  /// Waits until `condition` holds; false if the program ends or `seconds` pass before it does.
  func wait(_ seconds: Double, until condition: () throws -> Bool) async rethrows -> Bool {
    let limit = ContinuousClock.now + .seconds(seconds)
    while try !condition() {
      if reap() != nil || ContinuousClock.now > limit { return try condition() }
      try? await Task.sleep(for: .milliseconds(10))
    }
    return true
  }

  /// Waits for its end. Kills it when `seconds` have passed, or, with `noticesHang`, when it will never end.
  func finish(within seconds: Double = 40, noticesHang: Bool = false) async -> Outcome {
    let limit = ContinuousClock.now + .seconds(seconds)
    var parkedSince: ContinuousClock.Instant?
    while reap() == nil {
      let now = ContinuousClock.now
      parkedSince = noticesHang && hasParkedThread ? parkedSince ?? now : nil
      let isHung = parkedSince.map { now > $0 + .seconds(1) } ?? false
      if isHung || now > limit {
        kill(pid, SIGKILL)
        var status: Int32 = 0
        waitpid(pid, &status, 0)
        end = isHung ? .hung : .timedOut
        break
      }
      try? await Task.sleep(for: .milliseconds(10))
    }
    return Outcome(ending: end ?? .timedOut, output: output, errors: errors, pid: pid)
  }

  /// True when a thread is in poll(NULL, 0, -1), which nothing ends.
  private var hasParkedThread: Bool {
    let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")) ?? []
    return tasks.contains { task in
      contents("/proc/\(pid)/task/\(task)/syscall").hasPrefix("7 0x0 0x0 0xffffffff")
    }
  }

  /// Runs a tool to its end; what it printed.
  static func output(_ words: [String], acceptsFailure: Bool = false) async throws -> String {
    let outcome = try await run(words)
    guard outcome.ending == .exited(0) || acceptsFailure else {
      throw LabFailure(
        description: "\(words.joined(separator: " ")): \(outcome.ending)\n\(outcome.errors)")
    }
    return outcome.output
  }

  static func run(_ words: [String], within seconds: Double = 120) async throws -> Outcome {
    let program = try Program(
      ["/usr/bin/env"] + words,
      environment: ["PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8"],
      scratch: try Lab.shared.get().scratch())
    return await program.finish(within: seconds)
  }
}

private func withCStrings<R>(
  _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> R
) -> R {
  let copies = strings.map { strdup($0) }
  defer { copies.forEach { free($0) } }
  return body(copies + [nil])
}
