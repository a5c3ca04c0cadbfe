#if arch(x86_64)
  import Memory

  /// Stepping out of code that the .NET runtime compiled, by the unwind information that it compiled with
  /// it: exact at every instruction, in functions without a frame pointer, and in exception handlers,
  /// whose frame pointer is another function's.
  extension FramePolicy {
    /// The caller's registers; nil where the information is damaged or memory is missing.
    ///
    /// - Parameter isInterrupted: `registers` are those at any instruction, not right after a call.
    static func stepByManagedRules(
      _ registers: RegisterSet, _ rules: ManagedRules, isInterrupted: Bool,
      memory: any MemorySource
    ) -> RegisterSet? {
      if isInterrupted, let next = stepWithinEpilog(registers, rules, memory: memory) {
        return next
      }
      var machine = ManagedMachine(registers: registers, memory: memory)
      return machine.unwind(rules) ? machine.returned() : nil
    }

    /// An epilog gives back what the prolog took, in code that the tables do not describe: the rest of it
    /// is carried out. Nil when the instructions from here on are no epilog.
    private static func stepWithinEpilog(
      _ registers: RegisterSet, _ rules: ManagedRules, memory: any MemorySource
    ) -> RegisterSet? {
      let code = memory.prefix(at: registers.rip, atMost: 64)
      var machine = ManagedMachine(registers: registers, memory: memory)
      var position = 0
      func has(_ bytes: [UInt8]) -> Bool { code[position...].starts(with: bytes) }
      func signed(_ offset: Int, _ size: Int) -> Int64? {
        guard position + offset + size <= code.count else { return nil }
        let raw = code[(position + offset)..<(position + offset + size)]
        let value = raw.reversed().reduce(0) { $0 << 8 | Int64($1) }
        return size == 1
          ? Int64(Int8(truncatingIfNeeded: value)) : Int64(Int32(truncatingIfNeeded: value))
      }
      // vzeroupper
      if has([0xc5, 0xf8, 0x77]) { position += 3 }
      if has([0x48, 0x8d, 0x65]), let distance = signed(3, 1) {
        machine.registers.rsp = registers.rbp &+ UInt64(bitPattern: distance)
        position += 4
      } else if has([0x48, 0x8d, 0xa5]), let distance = signed(3, 4) {
        machine.registers.rsp = registers.rbp &+ UInt64(bitPattern: distance)
        position += 7
      } else if has([0x48, 0x83, 0xc4]), let size = signed(3, 1) {
        machine.registers.rsp &+= UInt64(bitPattern: size)
        position += 4
      } else if has([0x48, 0x81, 0xc4]), let size = signed(3, 4) {
        machine.registers.rsp &+= UInt64(bitPattern: size)
        position += 7
      }
      while position < code.count {
        let isExtended = code[position] == 0x41
        let at = isExtended ? position + 1 : position
        guard at < code.count, (0x58...0x5f).contains(code[at]) else { break }
        guard machine.pop(Int(code[at] - 0x58) + (isExtended ? 8 : 0)) else { return nil }
        position = at + 1
      }
      let rest = code[position...]
      let isEnd =
        has([0xc3]) || has([0xf3, 0xc3])
        || isTailCall(rest, at: registers.rip &+ UInt64(position), rules)
      return isEnd ? machine.returned() : nil
    }

    /// A jump out of the function: to an address outside of it or to its start, through memory (FF 25), or through anything
    /// with a REX.W prefix, which does nothing there and marks a tail call (a switch jumps without).
    private static func isTailCall(
      _ code: ArraySlice<UInt8>, at address: UInt64, _ rules: ManagedRules
    ) -> Bool {
      let bytes = Array(code.prefix(5))
      var target: UInt64?
      if bytes.count == 5, bytes[0] == 0xe9 {
        let distance = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 1, as: Int32.self) }
        target = address &+ 5 &+ UInt64(bitPattern: Int64(distance))
      } else if bytes.count >= 2, bytes[0] == 0xeb {
        target = address &+ 2 &+ UInt64(bitPattern: Int64(Int8(bitPattern: bytes[1])))
      }
      if let target { return target <= rules.start || target >= rules.end }
      if bytes.starts(with: [0xff, 0x25]) { return true }
      // FF /4; /0 and /1 are increments and decrements.
      return bytes.count >= 3 && bytes[0] & 0xf8 == 0x48 && bytes[1] == 0xff
        && bytes[2] >> 3 & 7 == 4
    }
  }

  /// Undoes a prolog.
  private struct ManagedMachine {
    var registers: RegisterSet
    let memory: any MemorySource

    /// Parts of one function that refer to each other, at most.
    private static let chainLimit = 8

    mutating func returned() -> RegisterSet? {
      guard let address = memory.load(UInt64.self, at: registers.rsp) else { return nil }
      registers.rip = address
      registers.rsp &+= 8
      return registers
    }

    mutating func pop(_ number: Int) -> Bool {
      guard let value = memory.load(UInt64.self, at: registers.rsp) else { return false }
      self[number] = value
      if number != 4 { registers.rsp &+= 8 }
      return true
    }

    mutating func unwind(_ rules: ManagedRules) -> Bool {
      var rules = rules
      var offset = registers.rip &- rules.start
      for _ in 0..<Self.chainLimit {
        guard let header = memory.load(UInt32.self, at: rules.information) else { return false }
        let (version, isChained) = (header & 7, header >> 3 & 4 != 0)
        let count = Int(header >> 16 & 255)
        let first = rules.information &+ 4
        guard version == 1 || version == 2, let raw = memory.bytes(at: first, count: 2 * count)
        else { return false }
        guard undo(raw, header: header, offset: offset) else { return false }
        if !isChained { return true }
        // A part of a function refers to the part that has the prolog; all of that was carried out.
        let parent = first &+ UInt64(2 * ((count + 1) & ~1))
        guard let start = memory.load(UInt32.self, at: parent),
          let information = memory.load(UInt32.self, at: parent &+ 8)
        else { return false }
        rules.start = rules.base &+ UInt64(start)
        rules.information = rules.base &+ UInt64(information)
        offset = .max
      }
      return false
    }

    /// - Parameters:
    ///   - raw: the slots, two bytes each: an offset in the prolog, an operation and its argument.
    ///   - offset: bytes from the function's start to where it is: operations behind it did not happen.
    private mutating func undo(_ raw: [UInt8], header: UInt32, offset: UInt64) -> Bool {
      let count = raw.count / 2
      let prologSize = UInt64(header >> 8 & 255)
      let frameRegister = Int(header >> 24 & 15)
      func half(_ slot: Int) -> UInt64 { UInt64(raw[2 * slot]) | UInt64(raw[2 * slot + 1]) << 8 }
      func word(_ slot: Int) -> UInt64 { half(slot) | half(slot + 1) << 16 }
      // Registers are saved relative to the stack pointer after the prolog, or to what the frame register
      // was set to, valid once the prolog has set it: after all of it, whichever part had done that.
      var saveBase = registers.rsp
      let isChained = header >> 3 & 4 != 0
      if frameRegister != 0, isChained || offset >= prologSize {
        saveBase = self[frameRegister] &- UInt64(header >> 28 & 15) &* 16
      }
      var slot = 0
      while slot < count {
        let operation = raw[2 * slot + 1] & 15
        let argument = raw[2 * slot + 1] >> 4
        let next = slot + Self.slots(operation, argument)
        guard next <= count else { return false }
        if operation == 3 || operation == 11, UInt64(raw[2 * slot]) <= offset {
          guard frameRegister != 0 else { return false }
          let distance = operation == 11 ? word(slot + 1) : UInt64(header >> 28 & 15)
          saveBase = self[frameRegister] &- distance &* 16
        }
        slot = next
      }
      slot = 0
      while slot < count {
        let operation = raw[2 * slot + 1] & 15
        let argument = Int(raw[2 * slot + 1] >> 4)
        let next = slot + Self.slots(operation, UInt8(argument))
        defer { slot = next }
        guard UInt64(raw[2 * slot]) <= offset else { continue }
        switch operation {
        case 0: guard pop(argument) else { return false }
        case 1: registers.rsp &+= argument == 0 ? half(slot + 1) &* 8 : word(slot + 1)
        case 2: registers.rsp &+= UInt64(argument) &* 8 &+ 8
        // 11 is the runtime's own, for frames too large for the header's four bits.
        case 3, 11: registers.rsp = saveBase
        case 4, 5:
          let distance = operation == 4 ? half(slot + 1) &* 8 : word(slot + 1)
          guard let value = memory.load(UInt64.self, at: saveBase &+ distance) else { return false }
          self[argument] = value
        case 6, 7, 8, 9: break
        default: return false
        }
      }
      return true
    }

    private static func slots(_ operation: UInt8, _ argument: UInt8) -> Int {
      switch operation {
      case 1: argument == 0 ? 2 : 3
      case 4, 6, 8: 2
      case 5, 7, 9, 11: 3
      default: 1
      }
    }

    /// By the number that instructions and the tables use.
    private subscript(number: Int) -> UInt64 {
      get {
        switch number {
        case 0: registers.rax
        case 1: registers.rcx
        case 2: registers.rdx
        case 3: registers.rbx
        case 4: registers.rsp
        case 5: registers.rbp
        case 6: registers.rsi
        case 7: registers.rdi
        case 8: registers.r8
        case 9: registers.r9
        case 10: registers.r10
        case 11: registers.r11
        case 12: registers.r12
        case 13: registers.r13
        case 14: registers.r14
        default: registers.r15
        }
      }
      set {
        switch number {
        case 0: registers.rax = newValue
        case 1: registers.rcx = newValue
        case 2: registers.rdx = newValue
        case 3: registers.rbx = newValue
        case 4: registers.rsp = newValue
        case 5: registers.rbp = newValue
        case 6: registers.rsi = newValue
        case 7: registers.rdi = newValue
        case 8: registers.r8 = newValue
        case 9: registers.r9 = newValue
        case 10: registers.r10 = newValue
        case 11: registers.r11 = newValue
        case 12: registers.r12 = newValue
        case 13: registers.r13 = newValue
        case 14: registers.r14 = newValue
        default: registers.r15 = newValue
        }
      }
    }
  }
#endif
