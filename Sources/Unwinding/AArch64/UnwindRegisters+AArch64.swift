#if arch(arm64)
  import CUnwind
  import Memory

  extension RegisterSet {
    /// The value of a register by its DWARF number (DWARF for the Arm 64-bit Architecture, 4.1).
    func unwindRegister(_ number: Int) -> UInt64? {
      switch number {
      case 0...30: x[number]
      case 31: sp
      case 32: pc
      default: nil
      }
    }

    init(cursor: UnsafeMutablePointer<unw_cursor_t>) {
      self.init()
      func value(_ number: CInt) -> UInt64 {
        var word: unw_word_t = 0
        return inquest_unwind_register(cursor, number, &word) == 0 ? UInt64(word) : 0
      }
      for index in 19...30 { x[index] = value(CInt(index)) }
      sp = value(31)
      pc = value(32)
    }
  }
#endif
