import CLinux
import Diagnosis
import DotNet
import Glibc
import Inferior
import Memory

/// The process that loads the runtime's DAC, and the worker's end of the conversation with it.
///
/// The DAC is foreign code that reads whatever the target has in memory: it may die or hang at any
/// question. It is then started again, a few times. One that has died is asked once more: on 8.0 the library
/// now and then stumbles over code that the running process is just changing (measured on a busy machine: one
/// capture in 40). One that has hung is not.
final class InspectorProcess {
  /// Starts, the first one included.
  private static let starts = 4
  /// Starts that may fail before the DAC is loaded: there is no question to leave out the next time.
  private static let loads = 2
  /// Milliseconds for one question. Most take microseconds; a stack walk for a message can take longer.
  private static let patience = 3000.0
  /// Milliseconds for loading the DAC, which took 5 to 15.
  private static let patienceForLoading = 5000.0
  /// Of all the time that there is, the part that may be spent waiting for answers. Less than a half, lest
  /// the supervisor takes us for hung.
  private static let share = 1.0 / 3
  /// Half milliseconds that one which has closed its socket is given to end by itself.
  private static let dying = 200
  /// Bytes of one answer, at most.
  private static let answerLimit = 32 << 20

  private let plan: InspectorPlan
  private let deadline: Instant
  private var socket: CInt = -1
  private var pid: pid_t = -1
  private var startsLeft = starts
  private var loadsLeft = loads
  /// Milliseconds that may still be spent waiting.
  private var budget: Double
  /// The DAC is loaded, and the process is there to be asked.
  private var isReady = false
  /// It was so at some time.
  private(set) var wasReady = false
  /// What went wrong, in the order in which it did, and what that costs as long as there is a successor.
  private(set) var problems: [(words: String, cost: String)] = []
  /// Its end of the socket was closed when an answer was waited for.
  private var hasEnded = false
  /// When every answer must have come, while the process stands still.
  var limit: Instant?
  /// Why there is no inspector at all.
  private(set) var refusal: DacError?

  init(_ plan: InspectorPlan, deadline: Instant) {
    self.plan = plan
    self.deadline = deadline
    budget = max(0, deadline.milliseconds(since: .now)) * Self.share
    start()
  }

  deinit {
    stop()
    close(plan.library)
    close(plan.memory)
  }

  /// Whether there is an inspector to ask, or may be one.
  var canAsk: Bool {
    refusal == nil && (pid > 0 || startsLeft > 0) && budget > 0 && deadline > .now
  }

  /// Waits until the DAC is loaded, in a new process if need be.
  ///
  /// - Returns: false when it could not be; ``refusal`` or ``problems`` then say why.
  func awaitReady() -> Bool {
    var deaths = 0
    while canAsk, limit.map({ $0 > .now }) ?? true {
      if isReady { return true }
      if pid < 0 {
        FaultInjection.disarm()
        start()
        if pid < 0 { return false }
      }
      // While the process stands still a successor is not waited for any longer than that: it may be ready
      // when it runs again.
      if let limit, !isReadable(until: limit) { return false }
      let greeting = receive(
        within: Self.patienceForLoading, atMost: InspectorGreeting.limit,
        doing: "loading \(plan.path)",
        cost: "nothing: it was started again")
      if let greeting {
        refusal = InspectorGreeting.refusal(greeting, path: plan.path)
        isReady = refusal == nil
        guard isReady else {
          stop()
          return false
        }
        wasReady = true
        // Nothing is missing.
        problems.removeLast(deaths)
      } else {
        stop()
        if hasEnded { deaths += 1 }
        loadsLeft -= 1
        if loadsLeft == 0 { startsLeft = 0 }
      }
    }
    return false
  }

  /// One question and its answer; nil when there is none to be had.
  func exchange(_ question: [UInt8]) -> [UInt8]? {
    let name = InspectorServer.name(of: question)
    let before = problems.count
    for isRepeated in [false, true] {
      guard awaitReady() else { return nil }
      send(question)
      let answer = receive(
        within: Self.patience, atMost: Self.answerLimit, doing: name,
        cost: InspectorServer.cost(of: question))
      if let answer {
        // Nothing is missing.
        if isRepeated { problems.removeSubrange(before...) }
        return answer
      }
      stop()
      guard hasEnded else { return nil }
    }
    return nil
  }

  // MARK: The process

  private func start() {
    startsLeft -= 1
    var pair: (CInt, CInt) = (-1, -1)
    let made = withUnsafeMutablePointer(to: &pair) {
      $0.withMemoryRebound(to: CInt.self, capacity: 2) { inquest_socket_pair($0) }
    }
    guard made == 0 else {
      problems.append(("no inspector process could be started", ""))
      return
    }
    let plan = plan
    let child = inquest_fork()
    if child == 0 { InspectorRole.run(plan, socket: pair.1) }
    close(pair.1)
    if child < 0 {
      close(pair.0)
      problems.append(("no inspector process could be started", ""))
      return
    }
    (pid, socket, isReady) = (child, pair.0, false)
  }

  /// - Returns: how it ended, if it had ended by itself.
  @discardableResult
  private func stop() -> CInt? {
    isReady = false
    guard pid > 0 else { return nil }
    defer { pid = -1 }
    close(socket)
    var status: CInt = 0
    // Its socket is closed before its end can be waited for.
    for attempt in 0..<400 {
      // Dying takes a moment, most of all on a busy machine, or with a core to be dumped.
      let isKilled = !hasEnded || attempt >= Self.dying
      if isKilled { kill(pid, SIGKILL) }
      if waitpid(pid, &status, WNOHANG) != 0 { return isKilled ? nil : status }
      Instant.sleep(microseconds: 500)
    }
    // Not even a killed one has to end: somebody may be tracing it, or it waits in the kernel. When it
    // does, it is init's.
    return nil
  }

  // MARK: The conversation

  private func isReadable(until end: Instant) -> Bool {
    while true {
      let left = end.milliseconds(since: .now)
      guard left > 0 else { return false }
      if inquest_poll(socket, Int16(POLLIN), CInt(min(left + 1, 60000))) == 1 { return true }
    }
  }

  private func send(_ message: [UInt8]) {
    // Whether the inspector has died, the answer shows. Questions are small: they fit in the socket.
    _ = Framing.write(Framing.header(message.count) + message, to: socket)
  }

  private func receive(
    within milliseconds: Double, atMost limit: Int, doing what: String, cost: String
  )
    -> [UInt8]?
  {
    hasEnded = false
    let begun = Instant.now
    defer { budget -= Instant.now.milliseconds(since: begun) }
    // Half of what there is: the other half is for a successor.
    var time = min(milliseconds, budget / 2)
    if let limit = self.limit { time = min(time, limit.milliseconds(since: begun) / 2) }
    let end = begun.advanced(byMilliseconds: time)
    var bytes: [UInt8] = []
    var wanted = Framing.headerSize
    while bytes.count < wanted {
      let left = end.milliseconds(since: .now)
      guard left > 0 else {
        problems.append(("the inspector hung while \(what)", cost))
        return nil
      }
      guard inquest_poll(socket, Int16(POLLIN), CInt(min(left + 1, 60000))) == 1 else { continue }
      let chunk = [UInt8](unsafeUninitializedCapacity: min(wanted - bytes.count, 1 << 20)) {
        buffer, filled in
        filled = max(0, read(socket, buffer.baseAddress, buffer.count))
      }
      guard !chunk.isEmpty else {
        hasEnded = true
        let status = stop()
        let how = status.map { inquest_signaled($0) != 0 ? Self.name($0) : "by itself" } ?? "early"
        problems.append(("the inspector ended \(how) while \(what)", cost))
        return nil
      }
      bytes += chunk
      if wanted == Framing.headerSize, bytes.count == wanted {
        let length = Framing.length(bytes)
        guard length <= limit else {
          problems.append(("the inspector talked nonsense while \(what)", cost))
          return nil
        }
        wanted += length
      }
    }
    return Array(bytes.dropFirst(Framing.headerSize))
  }

  private static func name(_ status: CInt) -> String {
    "by \(SignalNames.name(Int(inquest_term_signal(status))))"
  }
}
