#if arch(arm64)
  extension RegisterSet {
    /// The call of futex(2) that a stopped thread is blocked in; nil for any other.
    ///
    /// The kernel has put the first argument back into x0 before it stops a thread (do_signal in the kernel's
    /// arch/arm64/kernel/signal.c). One with a time limit that was interrupted before goes on as
    /// restart_syscall(2).
    public var futexCall: FutexCall? {
      // asm-generic/unistd.h
      let (futex, restart) = (98, 128)
      guard systemCall == futex || systemCall == restart else { return nil }
      return FutexCall(word: x[0], expected: UInt32(truncatingIfNeeded: x[2]))
    }
  }
#endif
