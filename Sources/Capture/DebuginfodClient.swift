import CLinux
import Glibc
import Inferior
import Memory

/// Asks the servers in DEBUGINFOD_URLS for debug files, by elfutils' own client, `debuginfod-find`: a program
/// of its own, so that HTTP, TLS and their bugs stay out of our process. It keeps what it gets in the user's
/// cache.
final class DebuginfodClient {
  /// Why nobody can be asked at all.
  enum Problem: Error, Equatable {
    case noServers
    case noProgram
    /// It keeps what it gets in this directory, which can neither be made nor written.
    case noCache(String)
  }

  /// What became of one question.
  enum Answer: Equatable {
    case file(String)
    case unknown
    case outOfTime
    /// In the client's words.
    case failed(String)
    /// After too many questions.
    case notAsked
  }

  private static let program = "debuginfod-find"
  /// Files, at most.
  private static let mostFiles = 32
  /// Bytes of a file: what unpacks to more is not read anyway (`DwarfFile`).
  private static let mostBytes: UInt64 = 1 << 30
  /// Bytes of what the client prints: a path, or a line about what went wrong.
  private static let mostOutput = 16384
  /// Milliseconds for a killed client to end.
  private static let dying = 200.0
  /// What the client may know of our environment, besides the limits.
  private static let variables = [
    "DEBUGINFOD_URLS", "DEBUGINFOD_CACHE_PATH", "DEBUGINFOD_HEADERS_FILE", "HOME", "XDG_CACHE_HOME",
    "PATH",
    "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY",
  ]

  private let path: String
  private let end: Instant
  private var answers: [[UInt8]: Answer] = [:]

  /// - Parameter end: when the last answer must have come.
  init(until end: Instant) throws(Problem) {
    let servers = Self.variable("DEBUGINFOD_URLS") ?? ""
    guard servers.contains(where: { $0 != " " }) else { throw .noServers }
    // A relative directory would be that of whoever has written the working directory's files.
    let places = (Self.variable("PATH") ?? "").split(separator: ":").filter { $0.hasPrefix("/") }
    let programs = places.map { "\($0)/\(Self.program)" }
    guard let found = programs.first(where: { access($0, X_OK) == 0 }) else { throw .noProgram }
    let cache = Self.cache
    guard Self.canHold(cache) else { throw .noCache(cache) }
    path = found
    self.end = end
  }

  /// The debug file of a build: asked for once, whoever wants to know.
  func ask(_ buildID: [UInt8]) -> Answer {
    if let known = answers[buildID] { return known }
    // After one that took too long no other is tried.
    if end <= .now || answers.values.contains(.outOfTime) { return .outOfTime }
    guard answers.count < Self.mostFiles, (2...64).contains(buildID.count) else {
      return .notAsked
    }
    let answer = run(["debuginfo", buildID.hexadecimal])
    answers[buildID] = answer
    return answer
  }

  /// As ``ask(_:)``, as a descriptor that the caller owns.
  func open(_ buildID: [UInt8]) -> CInt? {
    guard case .file(let path) = ask(buildID) else { return nil }
    // O_NONBLOCK: a FIFO in its place must not make us wait for a writer.
    let file = inquest_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0)
    return file >= 0 ? file : nil
  }

  // MARK: The client

  /// - Returns: nil also where it is set to nothing.
  private static func variable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
  }

  /// Where the client has its cache, or the folder that it makes first on the way there.
  private static var cache: String {
    variable("DEBUGINFOD_CACHE_PATH") ?? variable("XDG_CACHE_HOME")
      ?? "\(variable("HOME") ?? "")/.cache"
  }

  /// Where it can keep nothing, a service's user without a home, the client says "No such file or directory",
  /// as it does of files that no server has.
  private static func canHold(_ directory: String) -> Bool {
    if access(directory, F_OK) == 0 { return access(directory, W_OK) == 0 }
    let parent = directory.lastIndex(of: "/").map { directory[...$0] } ?? "."
    return access(String(parent), W_OK) == 0
  }

  private func environment() -> [String] {
    let seconds = UInt64(max(1, end.milliseconds(since: .now) / 1000))
    // 0, to the client, is no limit.
    func stricter(_ name: String, _ limit: UInt64) -> String {
      let wish = Self.variable(name).flatMap { UInt64($0) } ?? 0
      return "\(name)=\(wish > 0 ? min(wish, limit) : limit)"
    }
    return Self.variables.compactMap { name in Self.variable(name).map { "\(name)=\($0)" } } + [
      stricter("DEBUGINFOD_MAXSIZE", Self.mostBytes), stricter("DEBUGINFOD_MAXTIME", seconds),
      stricter("DEBUGINFOD_TIMEOUT", seconds), "DEBUGINFOD_RETRY_LIMIT=0",
    ]
  }

  private func run(_ arguments: [String]) -> Answer {
    var pair: (CInt, CInt) = (-1, -1)
    let made = withUnsafeMutablePointer(to: &pair) {
      $0.withMemoryRebound(to: CInt.self, capacity: 2) { inquest_socket_pair($0) }
    }
    guard made == 0 else { return .failed("no socket for it") }
    defer { close(pair.0) }
    let words = ([path] + arguments).map { strdup($0) } + [nil]
    let variables = environment().map { strdup($0) } + [nil]
    defer { for text in words + variables { free(text) } }
    let parent = getpid()
    let child = inquest_fork()
    if child == 0 {
      _ = inquest_prctl(PR_SET_PDEATHSIG, UInt(SIGKILL))
      if getppid() != parent { _exit(127) }
      // A group of its own, to be killed as one.
      setsid()
      // The size is the server's to tell, and it may lie. A write beyond it fails: SIGXFSZ is ignored.
      _ = inquest_limit_file_size(Self.mostBytes)
      dup2(inquest_openat(AT_FDCWD, "/dev/null", O_RDONLY, 0), 0)
      dup2(pair.1, 1)
      dup2(pair.1, 2)
      inquest_close_from(3)
      execve(path, words, variables)
      _exit(127)
    }
    close(pair.1)
    guard child > 0 else { return .failed("no process for it") }
    let output = read(pair.0)
    let status = reap(child, isKilled: output == nil)
    guard let output, let status else {
      return end <= .now ? .outOfTime : .failed("it printed too much")
    }
    return Self.answer(output, status)
  }

  /// What the client prints until it closes its output; nil if that takes too long, or is too much.
  private func read(_ socket: CInt) -> [UInt8]? {
    var bytes: [UInt8] = []
    while true {
      let left = end.milliseconds(since: .now)
      guard left > 0 else { return nil }
      guard inquest_poll(socket, Int16(POLLIN), CInt(min(left + 1, 60000))) == 1 else { continue }
      let chunk = [UInt8](unsafeUninitializedCapacity: 4096) { buffer, filled in
        filled = max(0, Glibc.read(socket, buffer.baseAddress, buffer.count))
      }
      if chunk.isEmpty { return bytes }
      bytes += chunk
      guard bytes.count <= Self.mostOutput else { return nil }
    }
  }

  /// - Returns: how it ended; nil if it had to be killed.
  private func reap(_ child: pid_t, isKilled: Bool) -> CInt? {
    var status: CInt = 0
    // It has closed its output, which is as good as its end.
    while !isKilled, end > .now {
      if waitpid(child, &status, WNOHANG) != 0 { return status }
      Instant.sleep(microseconds: 500)
    }
    let limit = Instant.now.advanced(byMilliseconds: Self.dying)
    repeat {
      kill(-child, SIGKILL)
      kill(child, SIGKILL)
      if waitpid(child, &status, WNOHANG) != 0 { return nil }
      Instant.sleep(microseconds: 500)
    } while limit > .now
    // One that hangs in the kernel is init's, once it ends.
    return nil
  }

  /// - Parameter status: as of wait(2).
  private static func answer(_ output: [UInt8], _ status: CInt) -> Answer {
    let lines = output.split(whereSeparator: { $0 < UInt8(ascii: " ") })
    let last = String(decoding: (lines.last ?? []).prefix(4096), as: UTF8.self)
    if inquest_signaled(status) != 0 {
      return .failed("it died of signal \(inquest_term_signal(status))")
    }
    if inquest_exit_status(status) == 0 {
      return last.hasPrefix("/") ? .file(last) : .failed("it named no file")
    }
    // It has no other way to say so, and no locale.
    if last.hasSuffix("No such file or directory") { return .unknown }
    if last.hasSuffix("Timer expired") { return .outOfTime }
    return .failed(
      last.isEmpty
        ? "it exited with status \(inquest_exit_status(status))" : String(last.prefix(200)))
  }
}
