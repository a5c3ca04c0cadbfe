#if arch(x86_64)
  import Memory

  /// The steps that need no unwind information, and the checks that keep them honest.
  extension FramePolicy {
    /// One frame out by the frame pointer (System V ABI, AMD64, 3.2.2): [rbp] is the caller's rbp and
    /// [rbp+8] the return address.
    ///
    /// libunwind's own fallback adds 16 to the CFA and not to rbp, which loses JIT frames.
    static func stepByFramePointer(
      _ registers: RegisterSet, memory: any MemorySource
    ) -> RegisterSet? {
      let frame = registers.rbp
      guard frame & 7 == 0,
        let caller = memory.load(UInt64.self, at: frame),
        let address = memory.load(UInt64.self, at: frame &+ 8)
      else { return nil }
      var next = registers
      next.rip = address
      next.rsp = frame &+ 16
      next.rbp = caller
      return next
    }

    /// The frame that called an address where there is no code: `call` has pushed the return address,
    /// and nothing has moved the stack pointer since.
    static func stepOutOfBadCall(
      _ registers: RegisterSet, memory: any MemorySource
    ) -> RegisterSet? {
      guard let address = memory.load(UInt64.self, at: registers.rsp) else { return nil }
      var next = registers
      next.rip = address
      next.rsp = registers.rsp &+ 8
      return next
    }

    /// True when the bytes before `address` can be a call instruction, so that `address` can be a
    /// return address: E8 rel32, or FF /2 with its addressing forms (Intel SDM, CALL).
    static func followsCall(_ address: UInt64, memory: any MemorySource) -> Bool {
      guard let bytes = memory.bytes(at: address &- 7, count: 7) else { return false }
      if bytes[2] == 0xe8 { return true }
      for length in 2...7 where bytes[7 - length] == 0xff {
        if (bytes[8 - length] >> 3) & 7 == 2 { return true }
      }
      return false
    }

    /// Where the call right before `address` goes, if it is one to a fixed address: E8 rel32.
    static func callTarget(before address: UInt64, memory: any MemorySource) -> UInt64? {
      guard let bytes = memory.bytes(at: address &- 5, count: 5), bytes[0] == 0xe8 else {
        return nil
      }
      let distance = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 1, as: Int32.self) }
      return address &+ UInt64(bitPattern: Int64(distance))
    }

    /// mov $15, %rax; syscall: the trampoline to which a signal handler returns, in glibc and in musl.
    /// Recognised by its bytes: musl's has no unwind information at all (field bug 24).
    private static let trampoline: [UInt8] = [
      0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05,
    ]

    static func isSignalTrampoline(_ address: UInt64, memory: any MemorySource) -> Bool {
      memory.bytes(at: address, count: trampoline.count) == trampoline
    }

    /// nop; here: call goexit1; nop: where the first function of a goroutine returns to (Go's
    /// runtime/asm_amd64.s). Stripped Go programs have no unwind information, but frame pointers.
    static func isGoroutineExit(_ address: UInt64, memory: any MemorySource) -> Bool {
      guard let bytes = memory.bytes(at: address &- 1, count: 7) else { return false }
      return bytes[0] == 0x90 && bytes[1] == 0xe8 && bytes[6] == 0x90
    }

    /// What the kernel saved when it delivered the signal: with the trampoline's frame innermost, the
    /// stack pointer is at the ucontext, and the siginfo follows it (`struct rt_sigframe` in
    /// arch/x86/include/asm/sigframe.h; layouts in asm/ucontext.h, asm/sigcontext.h and
    /// asm-generic/siginfo.h).
    static func signalContext(
      _ stackPointer: UInt64, memory: any MemorySource
    ) -> SignalContext? {
      let contextSize = 304
      guard let raw = memory.bytes(at: stackPointer, count: contextSize + 32) else { return nil }
      return raw.withUnsafeBytes { bytes in
        func word(_ offset: Int) -> UInt64 {
          bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        }
        func half(_ offset: Int) -> Int32 {
          bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self)
        }
        let general = 40
        var registers = RegisterSet()
        registers.r8 = word(general)
        registers.r9 = word(general + 8)
        registers.r10 = word(general + 16)
        registers.r11 = word(general + 24)
        registers.r12 = word(general + 32)
        registers.r13 = word(general + 40)
        registers.r14 = word(general + 48)
        registers.r15 = word(general + 56)
        registers.rdi = word(general + 64)
        registers.rsi = word(general + 72)
        registers.rbp = word(general + 80)
        registers.rbx = word(general + 88)
        registers.rdx = word(general + 96)
        registers.rax = word(general + 104)
        registers.rcx = word(general + 112)
        registers.rsp = word(general + 120)
        registers.rip = word(general + 128)
        registers.rflags = word(general + 136)
        let (base, flags, size) = (word(16), half(24), word(32))
        let info = contextSize
        let stack = alternateStack(base: base, size: size, flags: flags)
        return SignalContext(
          step: 0, registers: registers, number: half(info), code: half(info + 8),
          errno: half(info + 4), address: word(info + 16), senderPID: half(info + 16),
          senderUID: UInt32(bitPattern: half(info + 20)), errorCode: word(general + 152),
          trapNumber: word(general + 160),
          systemCall: systemCall(
            signal: half(info), number: half(info + 24), architecture: half(info + 28)),
          alternateStack: stack, blocked: word(296), pageFaultAddress: word(general + 176))
      }
    }
  }
#endif
