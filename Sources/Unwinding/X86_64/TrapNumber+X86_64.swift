#if arch(x86_64)
  import Memory

  extension FramePolicy {
    /// The signals that the processor's exception may become (arch/x86/kernel/traps.c, arch/x86/mm/fault.c).
    static func faults(
      _ context: SignalContext
    ) -> [(number: Int32, code: Int32, address: UInt64)] {
      let (ill, trap, bus, fpe, segv): (Int32, Int32, Int32, Int32, Int32) = (4, 5, 7, 8, 11)
      let fromKernel: Int32 = 128
      let ip = context.registers.instructionPointer
      switch context.trapNumber {
      case 0: return [(fpe, 1, ip)]
      case 1: return [(trap, 2, ip)]
      case 3: return [(trap, fromKernel, 0)]
      case 6: return [(ill, 2, ip)]
      case 12, 13: return [(segv, fromKernel, 0)]
      case 14:
        // Bit 2: in user mode. Bit 0: there is memory, but not for this access (Intel SDM, 4.7).
        guard let error = context.errorCode, error & 4 != 0 else { return [] }
        let address = context.pageFaultAddress
        return [(segv, error & 1 == 0 ? 1 : 2, address), (bus, 2, address)]
      default: return []
      }
    }
  }
#endif
