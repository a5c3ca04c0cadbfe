#if arch(arm64)
  public import Memory

  extension RegisterSet {
    /// The registers as the DAC wants them: a Windows CONTEXT for ARM64, 912 bytes (pal/inc/pal.h):
    /// flags, Cpsr, X0 to X28, Fp, Lr, Sp, Pc.
    public var context: [UInt8] {
      var bytes = [UInt8](repeating: 0, count: 912)
      func put(_ value: some FixedWidthInteger, at offset: Int) {
        withUnsafeBytes(of: value.littleEndian) { raw in
          for (index, byte) in raw.enumerated() { bytes[offset + index] = byte }
        }
      }
      put(UInt32(0x40_0003), at: 0)
      put(UInt32(truncatingIfNeeded: pstate), at: 4)
      for index in x.indices { put(x[index], at: 8 + 8 * index) }
      put(stackPointer, at: 0x100)
      put(instructionPointer, at: 0x108)
      return bytes
    }
  }
#endif
