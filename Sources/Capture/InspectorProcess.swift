import CLinux
import Diagnosis
import DotNet
import Glibc
import Inferior
import Memory

/// The process that loads the runtime's DAC, and the worker's end of the conversation with it.
///
/// The DAC is foreign code that reads whatever the target has in memory: it may die or hang at any
/// question. It is then started again without that question, a few times.
final class InspectorProcess {
  /// Starts after the first one.
  private static let restarts = 2
  /// Milliseconds for one question. Most take microseconds; a stack walk for a message can take longer.
  private static let patience = 3000.0
  /// Milliseconds for loading the DAC, which took 5 to 15.
  private static let patienceForLoading = 5000.0
  /// Bytes of one answer, at most.
  private static let answerLimit = 64 << 20

  private let plan: InspectorPlan
  private let deadline: Instant
  private var socket: CInt = -1
  private var pid: pid_t = -1
  private var startsLeft = restarts
  /// The DAC is loaded, and the process is there to be asked.
  private(set) var isReady = false
  /// What went wrong, in the order in which it did.
  private(set) var problems: [String] = []
  /// When every answer must have come, while the process stands still.
  var limit: Instant? {
    didSet {
      guard limit == nil, isOverdue else { return }
      isOverdue = false
      restart()
    }
  }
  /// Stopped because there was no time to wait for its answer: another one is to be started then.
  private var isOverdue = false
  private var isPastLimit: Bool { limit.map { $0 <= .now } ?? false }
  /// Why there is no inspector at all.
  private(set) var refusal: DacError?

  init(_ plan: InspectorPlan, deadline: Instant) {
    self.plan = plan
    self.deadline = deadline
    start()
  }

  deinit { stop() }

  /// Waits until the DAC is loaded.
  ///
  /// - Returns: false when it could not be; ``refusal`` or ``problems`` then say why.
  func awaitReady() -> Bool {
    while refusal == nil, pid > 0 {
      if isReady { return true }
      if let greeting = receive(within: Self.patienceForLoading, doing: "loading the DAC") {
        refusal = InspectorGreeting.refusal(greeting)
        isReady = refusal == nil
        if refusal != nil { stop() }
      } else {
        restart()
      }
    }
    return false
  }

  /// One question and its answer; nil when there is none to be had.
  func exchange(_ question: [UInt8]) -> [UInt8]? {
    guard awaitReady() else { return nil }
    let name = InspectorServer.name(of: question)
    guard !isPastLimit else {
      problems.append(Self.noTime(for: name))
      return nil
    }
    if send(question), let answer = receive(within: Self.patience, doing: name) { return answer }
    // The question is not asked again.
    restart()
    return nil
  }

  // MARK: The process

  private func start() {
    var pair: (CInt, CInt) = (-1, -1)
    let made = withUnsafeMutablePointer(to: &pair) {
      $0.withMemoryRebound(to: CInt.self, capacity: 2) { inquest_socket_pair($0) }
    }
    guard made == 0 else {
      problems.append("no inspector process could be started")
      return
    }
    let plan = plan
    let child = inquest_fork()
    if child == 0 { InspectorRole.run(plan, socket: pair.1) }
    close(pair.1)
    if child < 0 {
      close(pair.0)
      problems.append("no inspector process could be started")
      return
    }
    (pid, socket, isReady) = (child, pair.0, false)
  }

  private func restart() {
    stop()
    FaultInjection.disarm()
    isOverdue = isPastLimit
    guard startsLeft > 0, deadline > .now, !isOverdue else { return }
    startsLeft -= 1
    start()
  }

  /// - Returns: how it ended, if it had ended by itself.
  @discardableResult
  private func stop() -> CInt? {
    isReady = false
    guard pid > 0 else { return nil }
    close(socket)
    var status: CInt = 0
    // Its socket is closed before its end can be waited for.
    for _ in 0..<20 {
      if waitpid(pid, &status, WNOHANG) != 0 {
        pid = -1
        return status
      }
      if !hasHungUp { break }
      Instant.sleep(microseconds: 500)
    }
    kill(pid, SIGKILL)
    waitpid(pid, &status, 0)
    pid = -1
    return nil
  }
  private var hasHungUp = false

  // MARK: The conversation

  private func send(_ message: [UInt8]) -> Bool {
    var bytes: [UInt8] = []
    withUnsafeBytes(of: UInt32(message.count).littleEndian) { bytes += $0 }
    bytes += message
    // A worker must not die of writing to an inspector that has died: SIGPIPE is ignored.
    return bytes.withUnsafeBytes { write(socket, $0.baseAddress, $0.count) } == bytes.count
  }

  private static func noTime(for what: String) -> String {
    "the freeze budget ran out before, or while, \(what)"
  }

  private func receive(within milliseconds: Double, doing what: String) -> [UInt8]? {
    hasHungUp = false
    var end = min(deadline, Instant.now.advanced(byMilliseconds: milliseconds))
    if let limit { end = min(end, limit) }
    var bytes: [UInt8] = []
    var wanted = 4
    while bytes.count < wanted {
      let left = end.milliseconds(since: .now)
      guard left > 0 else {
        problems.append(
          isPastLimit ? Self.noTime(for: what) : "the inspector hung while \(what)")
        return nil
      }
      guard inquest_poll(socket, Int16(POLLIN), CInt(min(left + 1, 60000))) == 1 else { continue }
      let chunk = [UInt8](unsafeUninitializedCapacity: min(wanted - bytes.count, 1 << 20)) {
        buffer, filled in
        filled = max(0, read(socket, buffer.baseAddress, buffer.count))
      }
      guard !chunk.isEmpty else {
        hasHungUp = true
        let status = stop()
        let how = status.map { inquest_signaled($0) != 0 ? Self.name($0) : "by itself" } ?? "early"
        problems.append("the inspector ended \(how) while \(what)")
        return nil
      }
      bytes += chunk
      if wanted == 4, bytes.count == 4 {
        let length = Int(bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) })
        guard length <= Self.answerLimit else {
          problems.append("the inspector talked nonsense while \(what)")
          return nil
        }
        wanted += length
      }
    }
    return Array(bytes.dropFirst(4))
  }

  private static func name(_ status: CInt) -> String {
    "by \(SignalNames.name(Int(inquest_term_signal(status))))"
  }
}
