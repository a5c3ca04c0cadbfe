#if arch(arm64)
  import Memory

  extension FramePolicy {
    /// Unwind information has another form here (Microsoft, "ARM64 exception handling"), which nobody has
    /// been able to run yet: the frame pointer serves, which compiled code always keeps.
    static func stepByManagedRules(
      _ registers: RegisterSet, _ rules: ManagedRules, isInterrupted: Bool,
      memory: any MemorySource
    ) -> RegisterSet? {
      nil
    }
  }
#endif
