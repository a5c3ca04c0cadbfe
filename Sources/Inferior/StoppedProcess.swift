import CLinux
public import Memory

/// A process whose threads are stopped, and the only thing in Inquest that can stop anyone.
///
/// Always by PTRACE_SEIZE: the kernel lets the target run on when a tracer that seized it dies, whereas
/// one killed after PTRACE_ATTACH leaves the service frozen for good (field bug 14). Going out of scope
/// releases whoever is still held.
public struct StoppedProcess: ~Copyable {
  public let pid: Int32
  public private(set) var threads: [StoppedThread]
  /// Just before the first thread was asked to stop.
  public let begun: Instant

  /// Milliseconds for which a thread in an uninterruptible sleep is given the chance to wake up.
  private static let graceForSleepers = 2.0
  /// Milliseconds after all others have been asked in which threads that another capture is letting go of are
  /// waited for, and half of the time that is left for asking at most.
  private static let graceForTraced = 20.0

  /// Stops every thread of the process.
  ///
  /// - Parameters:
  ///   - directory: the process.
  ///   - attachUntil: how long a refusal is worth another try: the runtime names us its tracer only
  ///     after it has forked us (field bug 11).
  ///   - first: the thread to stop before all others, if there is one.
  ///   - askWithin: milliseconds in which threads are asked to stop, 10 to 20 µs each; the others run on.
  ///   - stopWithin: milliseconds to wait for stops. A thread in an uninterruptible sleep, or waiting for
  ///     a vfork child, never stops, and is not waited for any longer.
  ///   - stopAtMost: milliseconds to wait for the others: a thread stops only once it gets a processor,
  ///     which on an overloaded machine took more than 200 ms.
  /// - Throws: ``InferiorError``; nobody is left stopped then.
  public init(
    _ directory: borrowing ProcessDirectory, first wanted: Int32? = nil, attachUntil: Instant,
    askWithin: Double = .infinity, stopWithin: Double, stopAtMost: Double? = nil
  ) throws(InferiorError) {
    pid = directory.pid
    /// When the first thread was asked to stop.
    var first: Instant?
    var threads: [StoppedThread] = []
    var seen: Set<Int32> = []
    var refusal: CInt = 0
    /// In the last pass: its place in the kernel's count may be somebody else's by now.
    var someoneIsGone = false
    /// Another capture that held threads when it was their turn.
    var otherCapture: Int32?
    // Names and states are read before anyone stops: 64 threads' cost more than stopping them does.
    var listed = directory.threadIDs()
    var known = Self.describe(listed, directory)
    threads.reserveCapacity(listed.count)
    seen.reserveCapacity(listed.count)

    // A thread may start another while we go through the list: repeat until a pass finds nobody new.
    // The bound is against a process that starts threads faster than anyone can stop them.
    for _ in 0..<100 {
      if let first, Instant.now.milliseconds(since: first) > askWithin { break }
      // Listing 3,000 takes 3 ms: the first pass takes the list that there is, and where all of it stands still
      // and the kernel counts no more, nobody can be new.
      if !seen.isEmpty {
        if !someoneIsGone, Self.standStill(&threads), directory.threadCount() == threads.count {
          break
        }
        listed = directory.threadIDs()
      }
      someoneIsGone = false
      var fresh = listed.filter { !seen.contains($0) }
      if fresh.isEmpty { break }
      if let index = fresh.firstIndex(where: { $0 == wanted }) {
        fresh.insert(fresh.remove(at: index), at: 0)
      }
      known.merge(Self.describe(fresh.filter { known[$0] == nil }, directory)) { old, _ in old }
      for id in fresh {
        seen.insert(id)
        guard let (name, state) = known[id] else {
          someoneIsGone = true
          continue
        }
        var thread = StoppedThread(id: id, name: name, state: state)
        if state == "Z" || state == "X" {
          thread.hold = .none(.exited)
          threads.append(thread)
          continue
        }
        let nobodyYet = !threads.contains { $0.hold != .none(.exited) }
        if let first, Instant.now.milliseconds(since: first) > askWithin {
          thread.hold = .none(.noTime)
          threads.append(thread)
          continue
        }
        switch Self.seize(id, directory, retryUntil: nobodyYet ? attachUntil : nil) {
        case 0:
          first = first ?? .now
          _ = inquest_ptrace(INQUEST_PTRACE_INTERRUPT, id, 0, nil)
          thread.hold = .stopping
          threads.append(thread)
        case ESRCH: someoneIsGone = true  // it exited since it was listed (field bug 12)
        case let number:
          refusal = number
          thread.hold = .none(.refused)
          threads.append(thread)
        }
      }
      if let first {
        let left = askWithin - Instant.now.milliseconds(since: first)
        let grace = Instant.now.advanced(byMilliseconds: min(Self.graceForTraced, left / 2))
        otherCapture = Self.askAgain(&threads, directory, until: grace) ?? otherCapture
      }
    }
    begun = first ?? .now
    self.threads = threads
    let asked = Instant.now
    collectStops(until: asked.advanced(byMilliseconds: stopWithin))
    let last = asked.advanced(byMilliseconds: max(stopWithin, stopAtMost ?? 0))
    while Instant.now < last, hasThreadOnItsWay(directory) {
      collectStops(until: min(last, Instant.now.advanced(byMilliseconds: 20)))
    }

    // Half of it is another capture's: it is done in a moment, and the whole can be had then.
    if let otherCapture, self.threads.contains(where: { $0.hold == .none(.refused) }) {
      release()
      throw .notPermitted(pid: pid, .tracedBy(pid: otherCapture))
    }
    if !self.threads.contains(where: { $0.hold != .none(.exited) }) {
      throw .vanished(pid: pid)
    }
    if self.threads.allSatisfy({ $0.hold == .none(.refused) || $0.hold == .none(.exited) }) {
      throw .notPermitted(pid: pid, Refusal.find(directory, errno: refusal))
    }
  }

  deinit {
    for thread in threads { Self.letGo(thread) }
  }

  /// Lets every thread run on.
  public mutating func release() {
    for index in threads.indices {
      Self.letGo(threads[index])
      if threads[index].hold == .stopped { threads[index].hold = .released }
    }
  }

  /// Lists the threads that were started since the time for asking was over.
  public mutating func listUnasked(_ directory: borrowing ProcessDirectory) {
    guard threads.contains(where: { $0.hold == .none(.noTime) }) else { return }
    let seen = Set(threads.map(\.id))
    let fresh = directory.threadIDs().filter { !seen.contains($0) }
    for (id, (name, state)) in Self.describe(fresh, directory).sorted(by: { $0.key < $1.key }) {
      var thread = StoppedThread(id: id, name: name, state: state)
      thread.hold = .none(state == "Z" || state == "X" ? .exited : .noTime)
      threads.append(thread)
    }
  }

  /// Reads what the kernel shows of blocked threads, for those of which `hold` is true.
  public mutating func readPointers(
    _ directory: borrowing ProcessDirectory, of hold: StoppedThread.Hold
  ) {
    for index in threads.indices where threads[index].hold == hold {
      threads[index].pointers = directory.blockedThreadPointers(threads[index].id)
    }
  }

  /// Reads the general registers of every stopped thread into it.
  public mutating func readRegisters() {
    for index in threads.indices where threads[index].hold == .stopped {
      var registers = RegisterSet()
      let size = inquest_general_registers(
        threads[index].id, &registers, MemoryLayout<RegisterSet>.size)
      // Fewer bytes than the set has would leave zeros that look like values (field bug 16).
      if size == MemoryLayout<RegisterSet>.size { threads[index].registers = registers }
    }
  }

  /// The threads as /proc shows them, with nobody stopped: where each of them is blocked, if it is.
  ///
  /// - Parameter obstacle: why nobody is.
  public static func observe(
    _ directory: borrowing ProcessDirectory, as obstacle: StoppedThread.Obstacle
  ) -> [StoppedThread] {
    let ids = directory.threadIDs()
    let known = describe(ids, directory)
    return ids.compactMap { id in
      guard let (name, state) = known[id] else { return nil }
      var thread = StoppedThread(id: id, name: name, state: state)
      thread.hold = .none(state == "Z" || state == "X" ? .exited : obstacle)
      thread.pointers = directory.blockedThreadPointers(id)
      return thread
    }
  }

  private static func describe(
    _ ids: [Int32], _ directory: borrowing ProcessDirectory
  ) -> [Int32: (name: String, state: Character)] {
    let states = directory.threadNamesAndStates(ids)
    var found: [Int32: (name: String, state: Character)] = [:]
    found.reserveCapacity(ids.count)
    for (id, state) in zip(ids, states) { found[id] = state }
    return found
  }

  /// Once more those that were refused, as long as it is another capture that holds them: it lets go in the
  /// order in which we ask.
  private static func askAgain(
    _ threads: inout [StoppedThread], _ directory: borrowing ProcessDirectory, until end: Instant
  ) -> Int32? {
    var other: Int32?
    var tries = 0
    while other == nil || Instant.now < end,
      let index = threads.firstIndex(where: { $0.hold == .none(.refused) }),
      let tracer = directory.tracer(ofThread: threads[index].id),
      tracer == 0 || ProcessDirectory.isCollector(tracer)
    {
      switch seize(threads[index].id, directory, retryUntil: nil) {
      case 0:
        _ = inquest_ptrace(INQUEST_PTRACE_INTERRUPT, threads[index].id, 0, nil)
        threads[index].hold = .stopping
      case ESRCH: threads[index].hold = .none(.exited)
      default:
        if tracer != 0 { other = tracer }
        // Nobody traces it and yet it is refused: that will not change, unless somebody was faster.
        tries += tracer == 0 ? 1 : 0
        if tries > 4 { return other }
        Instant.sleep(microseconds: 500)
      }
    }
    return other
  }

  /// 0, or the errno of PTRACE_SEIZE.
  private static func seize(
    _ id: Int32, _ directory: borrowing ProcessDirectory, retryUntil: Instant?
  ) -> CInt {
    while true {
      let number = inquest_ptrace(INQUEST_PTRACE_SEIZE, id, 0, nil)
      guard number == EPERM || number == EACCES else { return number }
      // So the kernel answers also for one that has exited since it was listed.
      if let (_, state) = directory.threadNameAndState(id), "ZX".contains(state) { return ESRCH }
      guard let retryUntil, Instant.now < retryUntil else { return number }
      Instant.sleep(microseconds: 1000)
    }
  }

  /// Takes note of who has stopped; true when all who were asked have, waiting for a moment if need be.
  private static func standStill(_ threads: inout [StoppedThread]) -> Bool {
    for _ in 0..<3 {
      var isOnItsWay = false
      for index in threads.indices where threads[index].hold == .stopping {
        var status: CInt = 0
        let result = waitpid(threads[index].id, &status, INQUEST_WAIT_ALL | WNOHANG)
        if result == 0 {
          isOnItsWay = true
          break
        }
        threads[index].noteStop(result > 0 ? status : nil)
        if threads[index].hold != .stopped { return false }
      }
      if !isOnItsWay {
        return threads.allSatisfy { $0.hold == .stopped || "ZX".contains($0.state) }
      }
      Instant.sleep(microseconds: 30)
    }
    return false
  }

  private mutating func collectStops(until deadline: Instant) {
    let graceEnd = Instant.now.advanced(byMilliseconds: Self.graceForSleepers)
    var pending = threads.indices.filter { threads[$0].hold == .stopping }
    while !pending.isEmpty {
      let before = pending.count
      pending = pending.filter { index in
        var status: CInt = 0
        let result = waitpid(threads[index].id, &status, INQUEST_WAIT_ALL | WNOHANG)
        if result == 0 { return true }
        threads[index].noteStop(result > 0 ? status : nil)
        return false
      }
      let now = Instant.now
      if pending.isEmpty || now >= deadline { break }
      // One that was in an uninterruptible sleep before is not worth everybody's wait.
      if now >= graceEnd, pending.allSatisfy({ threads[$0].state == "D" }) { break }
      if pending.count == before { Instant.sleep(microseconds: 50) }
    }
  }

  private func hasThreadOnItsWay(_ directory: borrowing ProcessDirectory) -> Bool {
    for thread in threads where thread.hold == .stopping {
      if let (_, state) = directory.threadNameAndState(thread.id), state != "D" { return true }
    }
    return false
  }

  private static func letGo(_ thread: StoppedThread) {
    switch thread.hold {
    case .none, .released: return
    // It would stop later, with us as its tracer, and stay so until we exit.
    case .stopping: inquest_release_when_stopped(thread.id)
    case .stopped:
      // A signal that was on its way when the thread stopped is delivered now, not lost.
      let signal = UnsafeMutableRawPointer(bitPattern: Int(thread.pendingSignal))
      if inquest_ptrace(INQUEST_PTRACE_DETACH, thread.id, 0, signal) == ESRCH { reap(thread.id) }
    }
  }

  /// Waits for a thread that died while it stood still: until its tracer has, the kernel keeps its
  /// process from whoever waits for that. Dying takes microseconds, unless a core is being dumped.
  private static func reap(_ id: Int32) {
    var status: CInt = 0
    for _ in 0..<100 {
      if waitpid(id, &status, INQUEST_WAIT_ALL | WNOHANG) != 0 { return }
      Instant.sleep(microseconds: 50)
    }
    inquest_release_when_stopped(id)
  }
}

/// One thread of a ``StoppedProcess``.
public struct StoppedThread: Sendable {
  /// Why a thread could not be held.
  public enum Obstacle: Sendable, Equatable {
    /// A zombie: it has exited, and nobody has reaped it.
    case exited
    case refused
    /// Nobody tried: see ``StoppedProcess/observe(_:)``.
    case notStopped
    /// The time for asking threads to stop was over before it was this one's turn.
    case noTime
  }

  public enum Hold: Sendable, Equatable {
    case none(Obstacle)
    /// Asked to stop; it has not. Uninterruptible sleep, or waiting for a vfork child.
    case stopping
    case stopped
    case released
  }

  public let id: Int32
  public let name: String
  /// The letter of the state in which it was before it was stopped.
  public let state: Character
  public internal(set) var hold: Hold = .none(.refused)
  public internal(set) var registers: RegisterSet?
  /// Of a thread that did not stop: where it is blocked, and nothing else.
  public internal(set) var pointers: BlockedPointers?
  var pendingSignal: CInt = 0

  init(id: Int32, name: String, state: Character) {
    self.id = id
    self.name = name
    self.state = state
  }

  /// - Parameter status: what waitpid said; nil when the thread is gone.
  mutating func noteStop(_ status: CInt?) {
    guard let status, inquest_stopped(status) != 0 else {
      hold = .none(.exited)
      return
    }
    hold = .stopped
    // status >> 16 is PTRACE_EVENT_STOP (128) for our own interruption and for group stops; 0 means
    // that a signal was about to be delivered and waits for us to pass it on (ptrace(2)).
    if status >> 16 == 0 { pendingSignal = (status >> 8) & 0xff }
  }
}
