#if arch(x86_64)
  import Memory

  extension FramePolicy {
    /// The .NET runtime handles a fault on another stack than the one on which the kernel delivered it.
    /// To that end it builds a frame that looks as if the faulting code had called the handler, and
    /// `CallSignalHandlerWrapper` in between (pal/src/arch/amd64/signalhandlerhelper.cpp,
    /// ExecuteHandlerOnCustomStack). Unwind information leads across it to the right instruction, but
    /// with the handler's stack pointer: code that has no frame pointer is lost there.
    ///
    /// The wrapper is recognised by its four instructions, and what it hides by two independent words:
    /// the saved rbp and rip must be those of a ucontext or of a CONTEXT that the handler holds.
    ///
    /// - Returns: nil for any other frame. With signal number 0 if only the registers are known: the
    ///   kernel's frame is overwritten when the handler itself faults.
    static func movedSignalContext(
      ip: UInt64, sp: UInt64, memory: any MemorySource
    ) -> SignalContext? {
      guard callsMovedHandler(before: ip, memory: memory),
        let frame = memory.load(UInt64.self, at: sp),
        let address = memory.load(UInt64.self, at: sp &+ 8),
        let words = handlerWords(below: sp, memory: memory)
      else { return nil }
      // The worker gets the kernel's ucontext as an argument and keeps it in its own frame, or its
      // callee does for it.
      for pointer in words.suffix(128).reversed() where pointer > 4096 && pointer & 7 == 0 {
        guard memory.load(UInt64.self, at: pointer &+ 128 + 40) == address,
          memory.load(UInt64.self, at: pointer &+ 80 + 40) == frame,
          let saved = signalContext(pointer, memory: memory), (1...64).contains(saved.number)
        else { continue }
        return saved
      }
      return registersOnly(words, frame: frame, address: address)
    }

    /// True for the wrapper's code: push %rbp; call signal_handler_worker; here: pop %rbp; ret.
    static func callsMovedHandler(before ip: UInt64, memory: any MemorySource) -> Bool {
      guard let code = memory.bytes(at: ip &- 6, count: 8) else { return false }
      return code[0] == 0x55 && code[1] == 0xe8 && code[6] == 0x5d && code[7] == 0xc3
    }

    /// What lies on the stack below the wrapper: the handler's own frames.
    private static func handlerWords(
      below sp: UInt64, memory: any MemorySource
    ) -> [UInt64]? {
      for size in [0x2000, 0x1000, 0x400] as [UInt64] {
        guard let bytes = memory.bytes(at: sp &- size, count: Int(size)) else { continue }
        return bytes.withUnsafeBytes { raw in
          (0..<Int(size / 8)).map { raw.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self) }
        }
      }
      return nil
    }

    /// The registers from a Windows CONTEXT (pal/inc/pal.h), which has Rax at 0x78, then Rcx, Rdx, Rbx,
    /// Rsp, Rbp, Rsi, Rdi, R8 to R15 and Rip.
    private static func registersOnly(
      _ words: [UInt64], frame: UInt64, address: UInt64
    ) -> SignalContext? {
      let (fromRAXToRBP, fromRBPToRIP) = (5, 11)
      for index in words.indices.dropFirst(fromRAXToRBP).dropLast(fromRBPToRIP)
      where words[index] == frame && words[index + fromRBPToRIP] == address {
        let rax = index - fromRAXToRBP
        var registers = RegisterSet()
        registers.rax = words[rax]
        registers.rcx = words[rax + 1]
        registers.rdx = words[rax + 2]
        registers.rbx = words[rax + 3]
        registers.rsp = words[rax + 4]
        registers.rbp = frame
        registers.rsi = words[rax + 6]
        registers.rdi = words[rax + 7]
        registers.r8 = words[rax + 8]
        registers.r9 = words[rax + 9]
        registers.r10 = words[rax + 10]
        registers.r11 = words[rax + 11]
        registers.r12 = words[rax + 12]
        registers.r13 = words[rax + 13]
        registers.r14 = words[rax + 14]
        registers.r15 = words[rax + 15]
        registers.rip = address
        return SignalContext(
          step: 0, registers: registers, number: 0, code: 0, errno: 0, address: 0, senderPID: 0,
          senderUID: 0, errorCode: nil, trapNumber: nil, alternateStack: nil)
      }
      return nil
    }
  }
#endif
