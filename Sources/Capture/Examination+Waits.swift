import Inferior
import Memory
import Symbols
import Unwinding

/// Who waits for whom.
extension Examination {
  /// Finds the locks of POSIX threads that threads are waiting for.
  ///
  /// - Parameter symbols: by look-up address; where there are none, nearly no lock can be told.
  mutating func findLocks(_ walks: [Walk], symbols: [UInt64: Symbol]) {
    let locks = LockWaits(
      images: images, symbols: symbols, memory: frozen.memory,
      threads: Set(frozen.threads.map(\.id)))
    for (thread, walk) in zip(frozen.threads, walks) where waits[thread.id] == nil {
      // What has not been copied may belong to somebody else by now.
      guard let call = thread.registers?.futexCall,
        frozen.memory.copied(around: call.word) != nil
      else { continue }
      waits[thread.id] = locks.wait(call, steps: walk.steps)
    }
  }
}
