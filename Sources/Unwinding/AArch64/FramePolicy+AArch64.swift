#if arch(arm64)
  import Memory

  /// The mirror of X86_64/FramePolicy+X86_64.swift. Compiled, never run.
  extension FramePolicy {
    /// One frame out by x29: [x29] is the caller's, [x29+8] the return address (AAPCS64, 6.2.3).
    static func stepByFramePointer(
      _ registers: RegisterSet, memory: any MemorySource
    ) -> RegisterSet? {
      let frame = registers.framePointer
      guard frame & 15 == 0,
        let caller = memory.load(UInt64.self, at: frame),
        let address = memory.load(UInt64.self, at: frame &+ 8)
      else { return nil }
      var next = registers
      next.pc = address
      next.sp = frame &+ 16
      next.framePointer = caller
      return next
    }

    /// A call leaves the return address in the link register and the stack as it was.
    static func stepOutOfBadCall(
      _ registers: RegisterSet, memory: any MemorySource
    ) -> RegisterSet? {
      var next = registers
      next.pc = registers.x[30]
      return next
    }

    /// BL, or BLR, ends four bytes before the return address.
    static func followsCall(_ address: UInt64, memory: any MemorySource) -> Bool {
      guard let word = memory.load(UInt32.self, at: address &- 4) else { return false }
      return word >> 26 == 0b100101 || word & 0xffff_fc1f == 0xd63f_0000
    }

    /// Where the call right before `address` goes, if it is one to a fixed address: BL, in words.
    static func callTarget(before address: UInt64, memory: any MemorySource) -> UInt64? {
      guard let word = memory.load(UInt32.self, at: address &- 4), word >> 26 == 0b100101 else {
        return nil
      }
      let distance = Int64(Int32(bitPattern: word << 6) >> 6) * 4
      return address &- 4 &+ UInt64(bitPattern: distance)
    }

    /// mov x8, #139; svc #0: the kernel's vDSO trampoline.
    static func isSignalTrampoline(_ address: UInt64, memory: any MemorySource) -> Bool {
      memory.load(UInt64.self, at: address) == 0xd400_0001_d280_1168
    }

    /// mov x0, x0; here: bl goexit1 (Go's runtime/asm_arm64.s).
    static func isGoroutineExit(_ address: UInt64, memory: any MemorySource) -> Bool {
      guard let code = memory.load(UInt64.self, at: address &- 4) else { return false }
      return UInt32(truncatingIfNeeded: code) == 0xaa00_03e0 && code >> 58 == 0b100101
    }

    /// siginfo (128 bytes) comes first, then the ucontext, whose registers begin after its mask
    /// (arch/arm64/include/uapi/asm/sigcontext.h, ucontext.h).
    static func signalContext(
      _ stackPointer: UInt64, memory: any MemorySource
    ) -> SignalContext? {
      let registersAt = 128 + 176
      guard let raw = memory.bytes(at: stackPointer, count: registersAt + 8 * 35) else {
        return nil
      }
      return raw.withUnsafeBytes { bytes in
        func word(_ offset: Int) -> UInt64 {
          bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        }
        func half(_ offset: Int) -> Int32 {
          bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self)
        }
        var registers = RegisterSet()
        for index in 0..<31 { registers.x[index] = word(registersAt + 8 + 8 * index) }
        registers.sp = word(registersAt + 8 * 32)
        registers.pc = word(registersAt + 8 * 33)
        registers.pstate = word(registersAt + 8 * 34)
        let (base, flags, size) = (word(128 + 16), half(128 + 24), word(128 + 32))
        let stack = alternateStack(base: base, size: size, flags: flags)
        return SignalContext(
          step: 0, registers: registers, number: half(0), code: half(8), errno: half(4),
          address: word(16), senderPID: half(16), senderUID: UInt32(bitPattern: half(20)),
          errorCode: nil, trapNumber: nil,
          systemCall: systemCall(signal: half(0), number: half(24), architecture: half(28)),
          alternateStack: stack, blocked: word(128 + 40), pageFaultAddress: word(128 + 176))
      }
    }
  }
#endif
