#if arch(x86_64)
  import Memory

  /// Where the call that returns to an address went.
  enum CallTarget {
    /// Jumps on the way, at most: the runtime puts stubs between code that is too far apart.
    private static let jumps = 3

    /// - Returns: nil for a call through a register, and where it cannot be told from the code any more.
    static func target(before returnAddress: UInt64, memory: any MemorySource) -> UInt64? {
      guard let code = memory.bytes(at: returnAddress &- 6, count: 6) else { return nil }
      var target: UInt64
      if code[0] == 0xff, code[1] == 0x15 {
        // call *disp32(%rip)
        guard let found = memory.load(UInt64.self, at: relative(code[2...], to: returnAddress))
        else { return nil }
        target = found
      } else if code[1] == 0xe8 {
        target = relative(code[2...], to: returnAddress)
      } else {
        return nil
      }
      for _ in 0..<jumps {
        guard let next = jump(at: target, memory: memory) else { break }
        target = next
      }
      return target
    }

    private static func jump(at address: UInt64, memory: any MemorySource) -> UInt64? {
      let code = memory.prefix(at: address, atMost: 12)
      guard code.count >= 5 else { return nil }
      if code[0] == 0xe9 { return relative(code[1..<5], to: address &+ 5) }
      if code.count >= 6, code[0] == 0xff, code[1] == 0x25 {
        return memory.load(UInt64.self, at: relative(code[2..<6], to: address &+ 6))
      }
      // mov $imm64, %rax; jmp *%rax
      if code.count == 12, code[0] == 0x48, code[1] == 0xb8, code[10] == 0xff, code[11] == 0xe0 {
        return code[2..<10].reversed().reduce(0) { $0 << 8 | UInt64($1) }
      }
      return nil
    }

    private static func relative(_ bytes: ArraySlice<UInt8>, to address: UInt64) -> UInt64 {
      let distance = bytes.prefix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
      return address &+ UInt64(bitPattern: Int64(Int32(bitPattern: distance)))
    }
  }
#endif
