import DotNet
import Inferior
import Memory
import Report
import Symbols
import Unwinding

/// Who waits for whom.
extension Examination {
  /// Finds the objects whose locks threads are waiting for.
  mutating func findMonitors(_ walks: [Walk]) {
    guard let managed, !managed.monitors.monitors.isEmpty else { return }
    for (thread, walk) in zip(frozen.threads, walks) {
      guard let known = managed.threads[thread.id],
        let start = thread.registers?.stackPointer,
        let caller = walk.steps.first(where: { managed.method(at: $0.lookupAddress) != nil }),
        managed.entersMonitor(known, caller: (caller.lookupAddress, caller.ip))
      else { continue }
      let monitor = MonitorSearch.wanted(
        by: thread.id, among: managed.monitors.monitors, stack: start..<max(start, caller.sp),
        memory: frozen.memory)
      guard let monitor else { continue }
      waits[thread.id] = WaitRecord(
        kind: .monitor, address: HexNumber(monitor.object), type: managed.typeName(monitor.type),
        owner: monitor.owner > 0 ? Int(monitor.owner) : nil)
    }
  }

  /// Finds the locks of POSIX threads that threads are waiting for.
  ///
  /// - Parameter symbols: by look-up address; where there are none, nearly no lock can be told.
  mutating func findLocks(
    _ walks: [Walk], symbols: [UInt64: Symbol], _ directory: borrowing ProcessDirectory
  ) {
    findCrashedThreadsLock(walks, symbols: symbols, directory)
    var locks: LockWaits?
    // Thousands wait in the same few functions: by all of the addresses that tell.
    var functions: [[UInt64]: (call: LockCall, library: PosixLock.Library?)?] = [:]
    for index in frozen.threads.indices {
      let id = frozen.threads[index].id
      guard let call = frozen.threads[index].registers?.futexCall, waits[id] == nil else {
        continue
      }
      let known =
        locks
        ?? LockWaits(
          images: images, symbols: symbols, memory: frozen.memory, threads: ownIDs(directory))
      locks = known
      let inner = walks[index].steps.prefix(LockWaits.depth).map(\.ip)
      let found = functions[inner] ?? known.function(walks[index].steps)
      functions[inner] = .some(found)
      // What has not been copied may belong to somebody else by now.
      guard let function = found, frozen.memory.copied(around: call.word) != nil else { continue }
      if let wait = known.wait(call, in: function) { waits[id] = wait }
    }
  }

  /// The crashed thread waits for the collector, but may have waited for a lock when the signal came, a
  /// watchdog's perhaps. It still does: what it wants is held by somebody else.
  private mutating func findCrashedThreadsLock(
    _ walks: [Walk], symbols: [UInt64: Symbol], _ directory: borrowing ProcessDirectory
  ) {
    guard let crashed, waits[frozen.threads[crashed].id] == nil,
      let signal = walks[crashed].signals.first, signal.code <= 0,
      signal.step + 1 < walks[crashed].steps.count,
      let call = signal.registers.interruptedFutexCall(memory: frozen.memory)
    else { return }
    let locks = LockWaits(
      images: images, symbols: symbols, memory: frozen.memory, threads: ownIDs(directory))
    waits[frozen.threads[crashed].id] = locks.wait(
      call, steps: Array(walks[crashed].steps[(signal.step + 1)...]))
  }

  /// Our ids for threads by those that they call themselves: in a container these are others.
  private func ownIDs(_ directory: borrowing ProcessDirectory) -> [Int32: Int32] {
    let isNested = (directory.status()?.namespacePIDs.count ?? 1) > 1
    var ids: [Int32: Int32] = [:]
    for thread in frozen.threads {
      let own = isNested ? directory.ownID(ofThread: thread.id) : thread.id
      if let own { ids[own] = thread.id }
    }
    return ids
  }
}
