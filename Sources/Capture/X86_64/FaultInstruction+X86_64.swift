#if arch(x86_64)
  import Memory

  extension FaultInstruction {
    /// Where the instruction begins that a signal is about.
    ///
    /// A fault leaves the instruction pointer at it; int3 is a trap, which leaves it behind (Intel SDM, volume 3,
    /// 6.5), and the kernel says SI_KERNEL (128) for it.
    static func address(
      _ instructionPointer: UInt64, signal: (number: Int32, code: Int32), memory: any MemorySource
    ) -> UInt64 {
      let before = instructionPointer &- 1
      let (trap, fromKernel): (Int32, Int32) = (5, 128)
      guard signal == (trap, fromKernel), memory.load(UInt8.self, at: before) == 0xcc else {
        return instructionPointer
      }
      return before
    }
  }
#endif
