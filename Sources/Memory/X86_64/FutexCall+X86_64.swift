#if arch(x86_64)
  extension RegisterSet {
    /// The call of futex(2) that a stopped thread is blocked in; nil for any other.
    ///
    /// One with a time limit that was interrupted before goes on as restart_syscall(2): the registers of its
    /// arguments are still the thread's.
    public var futexCall: FutexCall? {
      // asm/unistd_64.h
      let (futex, restart) = (202, 219)
      guard systemCall == futex || systemCall == restart else { return nil }
      return FutexCall(word: rdi, expected: UInt32(truncatingIfNeeded: rdx))
    }
  }
#endif
