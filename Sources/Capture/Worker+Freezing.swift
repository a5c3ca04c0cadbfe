import Inferior
import Memory
import Report

/// How the worker takes its snapshot: standing still if it can be had, by /proc if not.
extension Worker {
  /// The process as it is while it stands still, if it can be made to.
  func look(
    _ directory: borrowing ProcessDirectory, _ map: MapReading, _ managed: ManagedInspection?,
    crashed: Int32?
  ) throws(InferiorError) -> FrozenProcess {
    guard mayFreeze else { return observe(directory, map) }
    let start = Instant.now
    let patience = start.advanced(byMilliseconds: Self.patienceWithOurOwn)
    while true {
      do {
        return try freeze(directory, map, managed, crashed: crashed)
      } catch .notPermitted(_, .tracedBy(let tracer)) {
        // Another capture holds it for some milliseconds only.
        guard ProcessDirectory.isCollector(tracer), Instant.now < patience else {
          return observe(directory, map, tracedBy: tracer, since: start)
        }
        Instant.sleep(microseconds: 5000)
      }
    }
  }

  /// Milliseconds to wait for another capture of the same process.
  private static let patienceWithOurOwn = 5000.0

  private func observe(
    _ directory: borrowing ProcessDirectory, _ map: MapReading, tracedBy tracer: Int32,
    since start: Instant
  ) -> FrozenProcess {
    // A debugger's process can be looked at all the same: nothing but stopping is refused.
    facts.send(.frozen, milliseconds: 0)
    limit(
      .freeze, problem: "\(Refusal.tracedBy(pid: tracer)): it could not be stopped",
      effect:
        "of each thread's registers two are known at most; stacks may end early, and those of running "
        + "threads are not read",
      remedy: Refusal.tracedBy(pid: tracer).remedy)
    end(start)
    return observe(directory, map, as: .refused)
  }

  /// Everything between the first stop and the last release.
  private func freeze(
    _ directory: borrowing ProcessDirectory, _ map: MapReading, _ managed: ManagedInspection?,
    crashed: Int32?
  ) throws(InferiorError) -> FrozenProcess {
    let start = begin(.freeze)
    // As late as it can be without anybody standing still: the inspector has been waited for meanwhile.
    let map = managed == nil ? map : MapReading(directory, after: map)
    let arena = CopyArena(
      room: StackCopy.room(
        threads: directory.threadCount() ?? 1, mappings: map.mappings),
      share: { Cores.share($0, atLeast: 2, $1) })
    let unfiled = UnwindCopy.wanted(
      map.mappings, live: ProcessMemory(pid: directory.livingThread()))
    // The runtime allows us to trace it only after it has forked us; by hand there is at most another
    // capture to wait for, which is over in a moment.
    let patience = request.trigger == .crash ? 1000.0 : 100
    var stopped = try StoppedProcess(
      directory, first: crashed,
      attachUntil: Instant.now.advanced(byMilliseconds: patience),
      // Whoever is asked to stop must also be waited for, read and let go.
      askWithin: request.maximumFreeze / 4, stopWithin: min(200, request.maximumFreeze),
      stopAtMost: request.maximumFreeze / 2)
    let limit = stopped.begun.advanced(byMilliseconds: request.maximumFreeze)
    stopped.readRegisters()
    stopped.readPointers(directory, of: .stopping)
    let live = stopped.threads.first { $0.hold == .stopped }?.id ?? request.pid
    let stacks =
      map.holdsStacks(of: stopped.threads) ? map.mappings : map.updated(directory, thread: live)
    let source = ProcessMemory(pid: live)
    let memory = SnapshotMemory(live: source, arena: arena)
    let whole = StackCopy.take(
      stopped.threads, pid: request.pid, mappings: stacks, live: source, into: memory,
      isOverBudget: { Instant.now > limit })
    LockCopy.take(
      stopped.threads, live: source, into: memory, isOverBudget: { Instant.now > limit })
    UnwindCopy.take(unfiled, live: source, into: memory, isOverBudget: { Instant.now > limit })
    managed?.readMoving(
      crashed: stopped.threads.first { $0.id == crashed }, until: limit)
    stopped.release()
    let milliseconds = Instant.now.milliseconds(since: stopped.begun)
    stopped.listUnasked(directory)
    stopped.readPointers(directory, of: .none(.noTime))
    stopped.readPointers(directory, of: .none(.refused))
    // Where there was no time for an answer, the next questions go to another one.
    managed?.prepare()
    let threads = stopped.threads
    facts.send(.frozen, milliseconds: milliseconds)
    end(start)
    var frozen = FrozenProcess(
      threads: threads, liveThread: live, mappings: map.updated(directory, thread: live),
      memory: memory,
      milliseconds: milliseconds)
    frozen.isCutShort = !whole
    fillInUnstopped(&frozen, directory)
    return frozen
  }

  /// What there is without stopping anyone: threads that are blocked show where, and their stacks stay as
  /// they are.
  private func observe(
    _ directory: borrowing ProcessDirectory, _ map: MapReading,
    as obstacle: StoppedThread.Obstacle = .notStopped
  ) -> FrozenProcess {
    let threads = StoppedProcess.observe(directory, as: obstacle)
    let live = threads.first { $0.hold != .none(.exited) }?.id ?? request.pid
    var frozen = FrozenProcess(
      threads: threads, liveThread: live, mappings: map.updated(directory, thread: live),
      memory: SnapshotMemory(live: ProcessMemory(pid: live)), milliseconds: 0)
    fillInUnstopped(&frozen, directory)
    return frozen
  }
}
