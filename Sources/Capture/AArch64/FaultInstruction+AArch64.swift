#if arch(arm64)
  import Memory

  extension FaultInstruction {
    /// brk leaves the program counter at itself, as faults do.
    static func address(
      _ instructionPointer: UInt64, signal: (number: Int32, code: Int32), memory: any MemorySource
    ) -> UInt64 {
      instructionPointer
    }
  }
#endif
