#if arch(x86_64)
  import Memory
  import TestSupport
  import Testing

  @testable import Unwinding

  /// Epilogs, which no table describes: they are told by their instructions (Microsoft, "x64 prolog and
  /// epilog"), as the .NET runtime's own unwinder does it.
  @Suite struct ManagedEpilogTests {
    private let caller = ManagedScene.caller
    private let stack = ManagedScene.stack

    /// push rbp; push r14; push rbx; sub rsp, 16; lea rbp, [rsp+32]: what all of it undone would give.
    private func info() -> UnwindInfo {
      var info = UnwindInfo(
        (1, .push(5)), (3, .push(14)), (4, .push(3)), (8, .allocate(16)), (13, .setFrame(32)))
      (info.frameRegister, info.frameOffset) = (5, 2)
      return info
    }
    private let frame: [UInt64] = [0, 0, 3, 14, 5, ManagedScene.caller]

    private func jump(from offset: Int, to target: Int) -> [UInt8] {
      [0xe9] + littleEndian(Int32(target - offset - 5))
    }

    private struct Ending {
      var name: String
      var code: [UInt8]
      init(_ name: String, _ code: [UInt8]) { (self.name, self.code) = (name, code) }
    }

    /// The ends of epilogs whose instructions before take `taken` bytes of code from 0x80 on.
    private func endings(after taken: Int) -> [Ending] {
      [
        Ending("ret", [0xc3]), Ending("repz ret", [0xf3, 0xc3]),
        Ending("jmp outside", jump(from: 0x80 + taken, to: 0x300)),
        Ending("jmp before", jump(from: 0x80 + taken, to: -0x40)),
        Ending("jmp to itself", jump(from: 0x80 + taken, to: 0)),
        Ending("jmp *m", [0xff, 0x25, 0, 0, 0, 0]),
        Ending("rex jmp *m", [0x48, 0xff, 0x25, 0, 0, 0, 0]),
        Ending("rex jmp *rax", [0x48, 0xff, 0xe0]), Ending("rex jmp *r11", [0x49, 0xff, 0xe3]),
      ]
    }

    @Test func eachInstructionOfEachEpilog() throws {
      let pops: [UInt8] = [0x5b, 0x41, 0x5e, 0x5d]
      let starts: [(String, [UInt8])] = [
        ("add rsp, imm8", [0x48, 0x83, 0xc4, 16]),
        ("add rsp, imm32", [0x48, 0x81, 0xc4, 16, 0, 0, 0]),
        ("lea rsp, disp8", [0x48, 0x8d, 0x65, 0xf0]),
        ("lea rsp, disp32", [0x48, 0x8d, 0xa5, 0xf0, 0xff, 0xff, 0xff]),
        ("vzeroupper", [0xc5, 0xf8, 0x77, 0x48, 0x83, 0xc4, 16]),
      ]
      for (name, start) in starts {
        for ending in endings(after: start.count + pops.count) {
          // Code, what is on the stack, and what the registers hold already.
          let all = start + pops + ending.code
          let points = [0, start.count, start.count + 1, start.count + 3, start.count + 4]
          for (index, point) in points.enumerated() {
            let gone = index == 0 ? 0 : index + 1
            var scene = ManagedScene(
              info(), at: 0x80 + UInt64(point), Array(frame.dropFirst(gone)),
              code: Array(all.dropFirst(point)))
            scene.registers.rbx = index > 1 ? 3 : 99
            scene.registers.r14 = index > 2 ? 14 : 99
            scene.registers.rbp = index > 3 ? 5 : stack + 32
            let next = try #require(scene.step(), "\(name), \(ending.name), \(index)")
            #expect(
              [next.rbx, next.r14, next.rbp, next.rip] == [3, 14, 5, caller],
              "\(name), \(ending.name), \(index)")
            #expect(next.rsp == stack + UInt64(6 - gone) * 8)
          }
        }
      }
    }

    @Test(arguments: 8..<16) func popsOfAllUpperRegisters(number: Int) throws {
      let code: [UInt8] = [0x41, UInt8(0x58 + number - 8), 0xc3]
      let next = try #require(
        ManagedScene(UnwindInfo((2, .push(number))), [1234, caller], code: code).step())
      let all = [
        next.r8, next.r9, next.r10, next.r11, next.r12, next.r13, next.r14, next.r15,
      ]
      #expect(all.firstIndex(of: 1234) == number - 8)
      #expect(all.filter { $0 == 0 }.count == 7)
      #expect(next.rip == caller)
    }

    /// Where the instructions are no epilog the tables decide: all of the prolog is undone.
    @Test func whatIsNoEpilogIsNotTakenForOne() throws {
      let cases: [(String, [UInt8])] = [
        ("nothing", []), ("add rsp alone", [0x48, 0x83, 0xc4, 16, 0x90]),
        ("add rsp, inc rax", [0x48, 0x83, 0xc4, 16, 0x48, 0xff, 0xc0]),
        ("pop rcx, dec rcx", [0x59, 0x48, 0xff, 0xc9]),
        ("vzeroupper, inc rax", [0xc5, 0xf8, 0x77, 0x48, 0xff, 0xc0]),
        ("vzeroupper, call", [0xc5, 0xf8, 0x77, 0xff, 0x15, 0, 0, 0, 0]),
        ("pop rax, push *rax", [0x58, 0x48, 0xff, 0x30]),
        ("localloc, jmp inside", [0x48, 0x83, 0xc4, 16] + jump(from: 0x84, to: 0x40)),
        ("pop, jmp to the last byte", [0x58] + jump(from: 0x81, to: 0xff)),
        ("jmp inside", jump(from: 0x80, to: 0x10)), ("switch", [0xff, 0xe0]),
        ("mov rsp, rbp; pop rbp; ret", [0x48, 0x8b, 0xe5, 0x5d, 0xc3]),
        ("add rax", [0x48, 0x83, 0xc0, 16, 0xc3]), ("lea rax", [0x48, 0x8d, 0x45, 0xf0, 0xc3]),
        ("pop, int3", [0x5d, 0xcc]), ("a jump that is cut off", []),
      ]
      for (name, code) in cases {
        var scene = ManagedScene(info(), frame, code: code)
        scene.registers.rbp = stack + 32
        if name.hasSuffix("cut off") {
          scene.memory.regions[0].bytes.removeLast(0x600 - 0x182)
          scene.memory.regions[0].bytes.replaceSubrange(0x180..., with: [0x58, 0xe9])
        }
        let next = try #require(scene.step(), "\(name)")
        #expect([next.rbx, next.r14, next.rbp, next.rip] == [3, 14, 5, caller], "\(name)")
        #expect(next.rsp == stack + 48, "\(name)")
      }
    }

    /// A return address may well be followed by an epilog, of which nothing has been carried out.
    @Test func belowTheInnermostFrameThereIsNoEpilog() throws {
      var scene = ManagedScene(info(), frame, code: [0x5d, 0xc3])
      scene.registers.rbp = stack + 32
      scene.isInterrupted = false
      #expect(try #require(scene.step()).rsp == stack + 48)
      scene.isInterrupted = true
      #expect(try #require(scene.step()).rsp == stack + 16)
    }

    @Test func anEpilogOnAnUnreadableStackIsNoTrap() {
      for code: [UInt8] in [[0xc3], [0x5d, 0xc3], [0x48, 0x8d, 0x65, 0x80, 0xc3]] {
        var scene = ManagedScene(UnwindInfo(), [], code: code)
        for value: UInt64 in [0, 8, .max, .max - 7, 1 << 63] {
          (scene.registers.rsp, scene.registers.rbp) = (value, value)
          #expect(scene.step() == nil)
        }
      }
    }
  }
#endif
