import Inferior
import Memory
import Report
import Symbols
import Unwinding

/// Finds out which threads wait for a lock of POSIX threads, and who has it.
///
/// That a thread waits for a word is the kernel's; that the word is a part of a mutex is told by the C library's
/// functions on its stack, or where these have no names by what lies around the word.
struct LockWaits {
  private let images: ImageTable
  private let symbols: [UInt64: Symbol]
  private let memory: any MemorySource
  private let threads: [Int32: Int32]

  /// Innermost frames that may be the C library's.
  static let depth = 6

  /// - Parameters:
  ///   - symbols: by look-up address.
  ///   - threads: our ids for the process's threads by those that they call themselves.
  ///   - memory: with the locks as they were when it stood still.
  init(
    images: ImageTable, symbols: [UInt64: Symbol], memory: any MemorySource, threads: [Int32: Int32]
  ) {
    (self.images, self.symbols, self.memory) = (images, symbols, memory)
    self.threads = threads
  }

  /// What the innermost frames say of the lock; by nothing but these.
  ///
  /// - Parameter steps: of the thread's stack, innermost first.
  /// - Returns: nil for a thread that waits for no lock, or for one that cannot be told.
  func function(_ steps: [Walk.Step]) -> (call: LockCall, library: PosixLock.Library?)? {
    guard let first = steps.first, let image = images.containing(first.lookupAddress) else {
      return nil
    }
    let inner = steps.prefix(Self.depth).prefix { image.contains($0.lookupAddress) }
    let names = inner.compactMap { symbols[$0.lookupAddress]?.name }
    let library = PosixLock.Library(path: image.path)
    var known = names.lazy.compactMap(LockCall.init(function:)).first
    let saysNothing =
      library == nil ? names.first.map(LockCall.passages.contains) ?? false : names.isEmpty
    if saysNothing { known = known ?? .perhapsMutex }
    return known.map { ($0, library) }
  }

  func wait(_ call: FutexCall, steps: [Walk.Step]) -> WaitRecord? {
    function(steps).flatMap { wait(call, in: $0) }
  }

  func wait(
    _ call: FutexCall, in function: (call: LockCall, library: PosixLock.Library?)
  ) -> WaitRecord? {
    // A static program may hold either.
    let locks = (function.library.map { [$0] } ?? [.glibc, .musl]).map {
      PosixLock(library: $0, call: call, memory: memory, threads: threads)
    }
    let isSure = function.library != nil
    switch function.call {
    case .mutex: return locks.lazy.compactMap { $0.mutex(isSure: isSure) }.first
    case .perhapsMutex: return locks.lazy.compactMap { $0.mutex(isSure: false) }.first
    case .readLock: return locks[0].readWriteLock(writes: false)
    case .writeLock: return locks[0].readWriteLock(writes: true)
    }
  }
}
