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

    /// The call of futex(2) that a signal has interrupted, from the registers in its frame; nil for anything else.
    ///
    /// The number stays in x8; the thread stands before svc #0 (d4000001), or behind it with EINTR in x0, which
    /// has then lost the word.
    public func interruptedFutexCall(memory: any MemorySource) -> FutexCall? {
      guard x[8] == 98, memory.load(UInt32.self, at: pc) == 0xd400_0001 else { return nil }
      return FutexCall(word: x[0], expected: UInt32(truncatingIfNeeded: x[2]))
    }
  }
#endif
