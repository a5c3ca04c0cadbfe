#if arch(x86_64)
  import CUnwind
  import Memory

  extension RegisterSet {
    /// The value of a register by its DWARF number (System V ABI, AMD64, figure 3.36), which is also
    /// libunwind's; nil for those that unwinding never needs.
    func unwindRegister(_ number: Int) -> UInt64? {
      switch number {
      case 0: rax
      case 1: rdx
      case 2: rcx
      case 3: rbx
      case 4: rsi
      case 5: rdi
      case 6: rbp
      case 7: rsp
      case 8: r8
      case 9: r9
      case 10: r10
      case 11: r11
      case 12: r12
      case 13: r13
      case 14: r14
      case 15: r15
      case 16: rip
      default: nil
      }
    }

    /// The registers that a cursor can tell: those a callee preserves, and where it is.
    init(cursor: UnsafeMutablePointer<unw_cursor_t>) {
      self.init()
      func value(_ number: CInt) -> UInt64 {
        var word: unw_word_t = 0
        return inquest_unwind_register(cursor, number, &word) == 0 ? UInt64(word) : 0
      }
      rbx = value(3)
      rbp = value(6)
      rsp = value(7)
      r12 = value(12)
      r13 = value(13)
      r14 = value(14)
      r15 = value(15)
      rip = value(16)
    }
  }
#endif
