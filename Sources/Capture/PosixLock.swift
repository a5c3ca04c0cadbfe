import Memory
import Report

/// Reads the locks of POSIX threads as the two C libraries lay them out, from the word that a thread waits for.
///
/// glibc: sysdeps/nptl/bits/struct_mutex.h and struct_rwlock.h, the same on x86-64 and AArch64; what the words hold
/// in nptl/pthreadP.h and pthread_rwlock_common.c. musl: src/internal/pthread_impl.h.
struct PosixLock {
  enum Library { case glibc, musl }

  let library: Library
  let call: FutexCall
  let memory: any MemorySource
  /// The process's threads: our ids for them by those that they call themselves.
  let threads: [Int32: Int32]

  /// Bytes of a lock before and from the word on that are looked at.
  static let (before, after) = (12, 32)

  /// - Parameter isSure: the thread is known to be locking a mutex. If not, everything about it must fit.
  func mutex(isSure: Bool) -> WaitRecord? {
    switch library {
    case .glibc: mutexOfGlibc(isSure: isSure)
    case .musl: mutexOfMusl(isSure: isSure)
    }
  }

  /// `lock` at 0, which is waited for; `owner` at 8, `kind` at 16.
  private func mutexOfGlibc(isSure: Bool) -> WaitRecord? {
    guard let lock = word(at: 0), let owner = word(at: 8), let kind = word(at: 16) else {
      return nil
    }
    let (robust, inherits, known): (UInt32, UInt32, UInt32) = (0x10, 0x20, 0x3ff)
    guard lock != 0, kind & ~known == 0 else { return nil }
    let isHandedOut = kind & inherits != 0
    let holder = thread(kind & (robust | inherits) != 0 ? lock & Self.threadBits : owner)
    guard isSure || holder != nil && (lock == call.expected || isHandedOut) else { return nil }
    return record(.mutex, at: call.word, holder)
  }

  /// `_m_type` at 0, `_m_lock` at 4, which is waited for. A normal mutex knows only that it is locked.
  private func mutexOfMusl(isSure: Bool) -> WaitRecord? {
    guard let kind = word(at: -4), let lock = word(at: 0) else { return nil }
    let (typeBits, inherits, known, busy): (UInt32, UInt32, UInt32, UInt32) = (0xf, 8, 0x8f, 16)
    guard lock != 0, kind & ~known == 0 else { return nil }
    let isHandedOut = kind & inherits != 0
    let isNormal = kind & typeBits == 0
    let value = lock & Self.threadBits
    let holder = isNormal ? nil : thread(value)
    let fits =
      (lock == call.expected || isHandedOut) && (isNormal ? value == busy : holder != nil)
    guard isSure || fits else { return nil }
    return record(.mutex, at: call.word &- 4, holder)
  }

  /// A lock that is known to be read-write.
  ///
  /// - Parameter writes: it is wanted for writing.
  func readWriteLock(writes: Bool) -> WaitRecord? {
    switch library {
    case .musl:
      // `_rw_lock`, which counts readers, or says that a writer has it but not who.
      guard let lock = word(at: 0), lock != 0 else { return nil }
      return record(.rwlock, at: call.word, nil)
    case .glibc:
      // `readers` at 0, `wrphase_futex` at 8, `writers_futex` at 12, `cur_writer` at 24. For each the waiting value
      // is another: writers wait for the readers' phase to end with 2, for another writer with 3; readers wait for
      // the writers' phase to end with 3, or on `readers` itself, of which the bit 2 then is set.
      let (phaseOfReaders, busy): (UInt32, UInt32) = (2, 3)
      let offset: UInt64? =
        switch call.expected {
        case phaseOfReaders where writes: 8
        case busy: writes ? 12 : 8
        default: writes ? nil : 0
        }
      guard let offset, let readers = word(at: -Int64(offset)), readers != 0,
        let writer = word(at: 24 - Int64(offset))
      else { return nil }
      return record(.rwlock, at: call.word &- offset, thread(writer))
    }
  }

  /// Of a word that holds a thread's id: the others are FUTEX_WAITERS and FUTEX_OWNER_DIED (linux/futex.h).
  private static let threadBits: UInt32 = 0x3fff_ffff

  private func thread(_ value: UInt32) -> Int32? {
    Int32(exactly: value).flatMap { threads[$0] }
  }

  /// The word so many bytes from the one that is waited for.
  private func word(at offset: Int64) -> UInt32? {
    memory.load(UInt32.self, at: call.word &+ UInt64(bitPattern: offset))
  }

  private func record(_ kind: WaitRecord.Kind, at address: UInt64, _ owner: Int32?) -> WaitRecord {
    WaitRecord(kind: kind, address: HexNumber(address), owner: owner.map(Int.init))
  }
}
