#if arch(x86_64)
  public import Memory

  extension RegisterSet {
    /// The registers as the DAC wants them: a Windows CONTEXT for AMD64, 1232 bytes (pal/inc/pal.h).
    public var context: [UInt8] {
      var bytes = [UInt8](repeating: 0, count: 1232)
      func put(_ value: some FixedWidthInteger, at offset: Int) {
        withUnsafeBytes(of: value.littleEndian) { raw in
          for (index, byte) in raw.enumerated() { bytes[offset + index] = byte }
        }
      }
      // Control, integer and floating point registers: the flags that the DAC itself uses give
      // E_INVALIDARG.
      put(UInt32(0x10_000b), at: 0x30)
      put(UInt16(truncatingIfNeeded: cs), at: 0x38)
      put(UInt16(truncatingIfNeeded: ss), at: 0x42)
      put(UInt32(truncatingIfNeeded: rflags), at: 0x44)
      let general = [
        rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15, rip,
      ]
      for (index, value) in general.enumerated() { put(value, at: 0x78 + 8 * index) }
      return bytes
    }
  }
#endif
