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

    /// The call of futex(2) that a signal has interrupted, from the registers in its frame; nil for anything else.
    ///
    /// The kernel has either put the thread back before the system call, its number in rax, or made it return
    /// EINTR, with nothing left of the number: then whoever asks must know the function.
    public func interruptedFutexCall(memory: any MemorySource) -> FutexCall? {
      let futex: UInt64 = 202
      let interrupted = UInt64(bitPattern: -4)
      // syscall
      func isCall(_ address: UInt64) -> Bool { memory.load(UInt16.self, at: address) == 0x050f }
      guard rax == futex && isCall(rip) || rax == interrupted && isCall(rip &- 2) else {
        return nil
      }
      return FutexCall(word: rdi, expected: UInt32(truncatingIfNeeded: rdx))
    }
  }
#endif
