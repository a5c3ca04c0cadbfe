import Memory
import Symbols
import Unwinding

/// What of a C library a thread that is blocked in futex(2) has called.
enum LockCall: Equatable {
  case mutex
  case readLock, writeLock
  /// Perhaps a mutex: a wait for a condition ends with locking one, and functions without a name do anything.
  case perhapsMutex

  /// - Parameter name: of one of the library's functions.
  init?(function name: String) {
    // __GI_ is glibc's name for what it calls by itself.
    let name = (name.hasPrefix("__GI_") ? name.dropFirst(5) : name[...]).drop { $0 == "_" }
    if name.hasPrefix("pthread_mutex_") || name.hasPrefix("mtx_") {
      self = .mutex
    } else if name.hasPrefix("pthread_rwlock_") {
      // rdlock, timedrdlock, clockrdlock; wrlock, timedwrlock, clockwrlock.
      self = name.hasSuffix("rdlock") ? .readLock : .writeLock
    } else if name.hasPrefix("pthread_cond_") || name.hasPrefix("cnd_") {
      self = .perhapsMutex
    } else {
      return nil
    }
  }

  /// Functions that only bring a call to the kernel, with any purpose: musl's in a static program.
  static let passages: Set<String> = ["sccp", "__syscall_cp_c", "__timedwait", "__timedwait_cp"]
}

extension PosixLock.Library {
  /// - Parameter path: of an image; nil for one that is no C library.
  init?(path: String) {
    guard let name = path.split(separator: "/").last else { return nil }
    // Debian's musl is mapped as libc.so, Alpine's as ld-musl-x86_64.so.1; glibc has a version in its name.
    if name.hasPrefix("ld-musl-") || name == "libc.so" {
      self = .musl
    } else if name.hasPrefix("libc.so.") || name.hasPrefix("libc-")
      || name.hasPrefix("libpthread")
    {
      self = .glibc
    } else {
      return nil
    }
  }
}
