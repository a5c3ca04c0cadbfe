#if arch(x86_64)
  import Memory
  import TestSupport
  import Testing

  @testable import DotNet

  /// Where calls go: what objdump says of a real library's, and the runtime's forms by hand.
  @Suite struct CallTargetTests {
    /// Every call of libSystem.Native.so, followed through its PLT.
    @Test func eachCallOfALibrary() throws {
      let path =
        "\(Lab.runtimes)/8.0.4/shared/Microsoft.NETCore.App/8.0.4/libSystem.Native.so"
      // 00000000000093a0 by 4: offset and address of each segment.
      let file = try bytes(of: path)
      var memory = RegionMemory()
      for load in try output(of: ["readelf", "-lW", path]).matches(
        of: /LOAD +0x([0-9a-f]+) 0x([0-9a-f]+) 0x[0-9a-f]+ 0x([0-9a-f]+)/)
      {
        let (offset, address, size) = try (
          #require(Int(load.1, radix: 16)), #require(UInt64(load.2, radix: 16)),
          #require(Int(load.3, radix: 16))
        )
        memory.regions.append((address, Array(file[offset..<offset + size])))
      }
      let text = try output(of: ["objdump", "-d", "--no-show-raw-insn", path], timeout: 60)
      let lines = text.split(separator: "\n")
      func address(_ line: Substring) -> UInt64? {
        line.firstMatch(of: /^ +([0-9a-f]+):/).flatMap { UInt64($0.1, radix: 16) }
      }
      /// `addr: jmp *0x..(%rip)  # got`, or a jump, at an address.
      var jumps: [UInt64: UInt64] = [:]
      var direct = 0
      for line in lines {
        guard let at = address(line) else { continue }
        if let jump = line.firstMatch(of: /\tjmp +([0-9a-f]+) </) {
          jumps[at] = UInt64(jump.1, radix: 16)
        } else if let jump = line.firstMatch(of: /\tjmp +\*0x[0-9a-f]+\(%rip\) +# ([0-9a-f]+)/) {
          jumps[at] = UInt64(jump.1, radix: 16).flatMap { memory.load(UInt64.self, at: $0) }
        }
      }
      for (line, next) in zip(lines, lines.dropFirst()) {
        guard let end = address(next), let at = address(line), end > at, end - at < 8,
          let call = line.firstMatch(of: /\tcall +(\*?)(0x)?([0-9a-f]+)/)
        else { continue }
        var target: UInt64?
        if call.1.isEmpty, end - at == 5 {
          target = UInt64(call.3, radix: 16)
        } else if let slot = line.firstMatch(of: /\(%rip\) +# ([0-9a-f]+)/) {
          target = UInt64(slot.1, radix: 16).flatMap { memory.load(UInt64.self, at: $0) }
        } else {
          continue
        }
        guard var expected = target else { continue }
        direct += 1
        // A short jump is not followed; there is none at the start of a function here.
        for _ in 0..<3 { expected = jumps[expected] ?? expected }
        #expect(CallTarget.target(before: end, memory: memory) == expected, "\(line)")
      }
      #expect(direct > 300)
    }

    private let at: UInt64 = 0x7f00_0000_1000
    private func target(_ code: [UInt8], _ more: (UInt64, [UInt8])...) -> UInt64? {
      var memory = RegionMemory((at - UInt64(code.count), code))
      for (start, bytes) in more { memory.regions.append((start, bytes)) }
      return CallTarget.target(before: at, memory: memory)
    }
    private func relative(_ distance: Int32) -> [UInt8] { littleEndian(distance) }

    @Test func callsAndJumps() {
      let far: UInt64 = 0x7f77_7777_7770
      let stub = at + 0x100
      let call = [0x90, 0xe8] + relative(0x100)
      #expect(target(call) == stub)
      #expect(target([0x90, 0xe8] + relative(-0x100)) == at - 0x100)
      #expect(target([0xff, 0x15] + relative(0x50), (at + 0x50, littleEndian(far))) == far)
      #expect(target([0xff, 0x15] + relative(0x50)) == nil, "a slot that cannot be read")
      // To the runtime by a jump, through a slot, and by its address: each at the end of memory.
      #expect(target(call, (stub, [0xe9] + relative(0x20))) == stub + 0x25)
      #expect(
        target(call, (stub, [0xff, 0x25] + relative(0x20)), (stub + 0x26, littleEndian(far))) == far
      )
      #expect(
        target(call, (stub, [0x48, 0xb8] + littleEndian(far) + [0xff, 0xe0])) == far)
      #expect(target(call, (stub, [0xff, 0x25] + relative(0x20))) == stub, "an unreadable slot")
      #expect(target(call, (stub, [0x48, 0xb8] + littleEndian(far) + [0xff, 0xd0])) == stub)
      #expect(target(call, (stub, [0xe9, 1, 2])) == stub)
    }

    @Test func jumpsInACircleEnd() {
      let call = [0x90, 0xe8] + relative(0x100)
      #expect(target(call, (at + 0x100, [0xe9] + relative(-5))) == at + 0x100)
    }

    @Test func whatIsNoCallHasNoTarget() {
      for code: [UInt8] in [
        [0x90, 0x90, 0x90, 0x90, 0x41, 0xff], [0x90, 0x90, 0x90, 0x41, 0xff, 0xd3],
        [0xff, 0x25, 0, 0, 0, 0], [0x90, 0xe9, 0, 0, 0, 0], [0xe8, 0, 0, 0, 0, 0x90], [0xe8, 0, 0],
        [],
      ] {
        #expect(target(code) == nil)
      }
      for address: UInt64 in [0, 5, .max] {
        #expect(CallTarget.target(before: address, memory: RegionMemory()) == nil)
      }
    }

    @Test func anyCodeIsNoTrap() {
      var random = Xorshift(seed: 41)
      var answers = 0
      for _ in 0..<20_000 {
        var code = (0..<64).map { _ in UInt8(random.below(256)) }
        if random.below(2) == 0 { code[1] = 0xe8 } else { (code[0], code[1]) = (0xff, 0x15) }
        if random.below(2) == 0 { code.replaceSubrange(3..<6, with: [0, 0, 0]) }
        for place in stride(from: 8, to: 60, by: 4) where random.below(3) == 0 {
          code[place] = [0xe9, 0xff, 0x48][random.below(3)]
          code[place + 1] = [0x25, 0xb8, 0][random.below(3)]
        }
        let start: UInt64 = [at, .max - 63, 0][random.below(3)]
        if CallTarget.target(before: start &+ 6, memory: RegionMemory((start, code))) != nil {
          answers += 1
        }
      }
      #expect(answers > 5000)
    }
  }

  /// CONTEXT for AMD64 (winnt.h): the offsets of its fields.
  @Suite struct ContextTests {
    @Test func registersAreWhereTheDACLooks() {
      var registers = RegisterSet()
      var value: UInt64 = 0x1111_2222_3333_4400
      func next() -> UInt64 {
        value += 1
        return value
      }
      let fields: [(Int, WritableKeyPath<RegisterSet, UInt64>)] = [
        (0x78, \.rax), (0x80, \.rcx), (0x88, \.rdx), (0x90, \.rbx), (0x98, \.rsp), (0xa0, \.rbp),
        (0xa8, \.rsi), (0xb0, \.rdi), (0xb8, \.r8), (0xc0, \.r9), (0xc8, \.r10), (0xd0, \.r11),
        (0xd8, \.r12), (0xe0, \.r13), (0xe8, \.r14), (0xf0, \.r15), (0xf8, \.rip),
      ]
      for (_, path) in fields { registers[keyPath: path] = next() }
      (registers.cs, registers.ss, registers.rflags) = (0x33, 0x2b, 0x1_0000_0246)
      let bytes = registers.context
      #expect(bytes.count == 0x4d0)
      let memory = RegionMemory((0, bytes))
      for (offset, path) in fields {
        #expect(memory.load(UInt64.self, at: UInt64(offset)) == registers[keyPath: path])
      }
      // CONTEXT_AMD64 with control, integer and floating point registers.
      #expect(memory.load(UInt32.self, at: 0x30) == 0x10000b)
      #expect(memory.load(UInt16.self, at: 0x38) == 0x33)
      #expect(memory.load(UInt16.self, at: 0x42) == 0x2b)
      #expect(memory.load(UInt32.self, at: 0x44) == 0x246)
      // Nothing else is claimed.
      #expect(bytes[0x100...].allSatisfy { $0 == 0 } && bytes[..<0x30].allSatisfy { $0 == 0 })
    }
  }
#endif
