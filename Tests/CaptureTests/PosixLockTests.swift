import Memory
import Report
import TestSupport
import Testing

@testable import Capture

/// What lies around a futex, and which of it is a lock.
@Suite struct PosixLockTests {
  private static let start: UInt64 = 0x7f00_0000_1000
  private static let (owner, other): (UInt32, UInt32) = (4711, 4712)

  private func lock(
    _ library: PosixLock.Library, _ words: [UInt32], waitsAt offset: UInt64, for expected: UInt32
  ) -> PosixLock {
    let memory = RegionMemory((Self.start, words.flatMap { littleEndian($0) }))
    return PosixLock(
      library: library, call: FutexCall(word: Self.start + offset, expected: expected),
      memory: memory, threads: [4711: 4711, 4712: 4712])
  }

  private let waiters: UInt32 = 0x8000_0000

  @Test func aMutexIsToldByItsLooks() {
    func holder(
      _ words: [UInt32], expected: UInt32 = 2, isSure: Bool = false
    ) -> WaitRecord? {
      lock(.glibc, words, waitsAt: 0, for: expected).mutex(isSure: isSure)
    }
    let found = WaitRecord(kind: .mutex, address: HexNumber(Self.start), owner: Int(Self.owner))
    #expect(holder([2, 1, Self.owner, 1, 0, 0]) == found)
    // PTHREAD_MUTEX_ROBUST_NORMAL_NP: the lock itself says who has it.
    #expect(
      holder([waiters | Self.owner, 1, Self.other, 1, 16, 0], expected: waiters | Self.owner)
        == found)
    // The kernel hands it out: no value is waited for.
    #expect(holder([waiters | Self.owner, 1, 0, 1, 32, 0], expected: 0) == found)
    // Not locked any more; nobody's; another lock by its kind; waited for with another value.
    #expect(holder([0, 1, Self.owner, 1, 0, 0]) == nil)
    #expect(holder([2, 1, 99, 1, 0, 0]) == nil)
    #expect(holder([2, 1, Self.owner, 1, 0x5678_0000, 0]) == nil)
    #expect(holder([2, 1, Self.owner, 1, 0, 0], expected: 0) == nil)
    // Where a function's name says so it is one, whoever has it.
    let nobody = WaitRecord(kind: .mutex, address: HexNumber(Self.start))
    #expect(holder([2, 1, 99, 1, 0, 0], isSure: true) == nobody)
    #expect(holder([2, 1, Self.owner], isSure: true) == nil, "it ends where memory does")
  }

  @Test func aMutexOfMuslIsToldByItsLooks() {
    func holder(_ words: [UInt32], expected: UInt32, isSure: Bool = false) -> WaitRecord? {
      lock(.musl, words, waitsAt: 4, for: expected).mutex(isSure: isSure)
    }
    let nobody = WaitRecord(kind: .mutex, address: HexNumber(Self.start))
    let found = WaitRecord(kind: .mutex, address: HexNumber(Self.start), owner: Int(Self.owner))
    let (busy, held) = (waiters | 16, waiters | Self.owner)
    #expect(holder([0, busy, 1], expected: busy) == nobody)
    #expect(holder([1, held, 1], expected: held) == found)
    #expect(holder([1, waiters | 99, 1], expected: waiters | 99) == nil)
    #expect(holder([0, held, 1], expected: held) == nil, "a normal one does not know its owner")
    #expect(holder([0x1234, busy, 1], expected: busy) == nil)
  }

  /// Where the lock begins depends on which of its words is waited for.
  @Test func aReadWriteLockIsFoundFromEachOfItsWords() {
    let words: [UInt32] = [0xb, 1, 3, 3, 0, 0, Self.owner, 0]
    func found(_ offset: UInt64, _ expected: UInt32, writes: Bool) -> WaitRecord? {
      lock(.glibc, words, waitsAt: offset, for: expected).readWriteLock(writes: writes)
    }
    let expected = WaitRecord(kind: .rwlock, address: HexNumber(Self.start), owner: Int(Self.owner))
    #expect(found(12, 3, writes: true) == expected)
    #expect(found(8, 2, writes: true) == expected)
    #expect(found(8, 3, writes: false) == expected)
    #expect(found(0, 0xc, writes: false) == expected)
    #expect(found(12, 7, writes: true) == nil)
  }

  @Test(arguments: [
    ("___pthread_mutex_lock", LockCall.mutex), ("__GI___pthread_mutex_lock", .mutex),
    ("pthread_mutex_timedlock", .mutex), ("mtx_lock", .mutex),
    ("__pthread_rwlock_rdlock", .readLock), ("pthread_rwlock_timedrdlock", .readLock),
    ("pthread_rwlock_clockwrlock", .writeLock), ("pthread_cond_wait", .perhapsMutex),
    ("sem_timedwait", nil), ("syscall", nil), ("__lll_lock_wait_private", nil),
    ("std::sys::pal::unix::futex::futex_wait", nil), ("pthread_join", nil),
  ])
  func callsAreToldByTheirNames(_ name: String, _ call: LockCall?) {
    #expect(LockCall(function: name) == call)
  }
}
