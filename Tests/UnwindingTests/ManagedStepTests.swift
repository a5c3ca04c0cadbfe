#if arch(x86_64)
  import Memory
  import TestSupport
  import Testing

  @testable import Unwinding

  /// One step out of generated code by made-up UNWIND_INFO, as the documents have it. What a processor
  /// says of real code is in ManagedTruthTests.
  @Suite struct ManagedStepTests {
    private typealias Scene = ManagedScene
    private let caller = ManagedScene.caller
    private let stack = ManagedScene.stack

    private func words(_ count: Int, _ changes: [Int: UInt64]) -> [UInt64] {
      (0..<count).map { changes[$0] ?? 0xdead_0000 + UInt64($0) }
    }

    // MARK: Operations

    @Test func pushes() throws {
      let info = UnwindInfo((1, .push(5)), (3, .push(15)), (5, .push(12)), (6, .push(3)))
      let next = try #require(Scene(info, [3, 12, 15, 5, caller]).step())
      #expect([next.rbx, next.r12, next.r15, next.rbp] == [3, 12, 15, 5])
      #expect(next.rip == caller)
      #expect(next.rsp == stack + 40)
    }

    /// Every register by its number, and none of the others.
    @Test(arguments: 0..<16) func eachRegister(number: Int) throws {
      let order: [WritableKeyPath<RegisterSet, UInt64>] = [
        \.rax, \.rcx, \.rdx, \.rbx, \.rsp, \.rbp, \.rsi, \.rdi, \.r8, \.r9, \.r10, \.r11, \.r12,
        \.r13, \.r14, \.r15,
      ]
      var scene = Scene(UnwindInfo((4, .save(number, at: 16))), [caller, 1, stack + 8, 2])
      let next = try #require(scene.step().map { _ in scene.step() } ?? nil)
      if number == 4 {
        #expect(next.rip == 1, "the return address is where the saved stack pointer says")
        return
      }
      #expect(next[keyPath: order[number]] == stack + 8)
      scene.registers.rip = caller
      scene.registers.rsp = stack + 8
      scene.registers[keyPath: order[number]] = stack + 8
      #expect(next == scene.registers)
    }

    @Test(arguments: [8, 64, 128, 136, 4096, 0x7fff8, 0x80000, 0x123456 * 8])
    func allocations(size: Int) throws {
      var scene = Scene(UnwindInfo((1, .push(5)), (8, .allocate(size))), [1])
      scene.memory.regions.append((stack + UInt64(size), [7, 0, 0, 0, 0, 0, 0, 0]))
      if size > 8 { scene.memory.regions[2].bytes = [] }
      scene.memory.regions.append((stack + UInt64(size) + 8, littleEndian(caller)))
      if size == 8 {
        scene.memory.regions[2].bytes = [1, 7, caller].flatMap { littleEndian($0) }
      }
      let next = try #require(scene.step())
      #expect(next.rbp == 7)
      #expect(next.rip == caller)
      #expect(next.rsp == stack + UInt64(size) + 16)
    }

    @Test func savedRegistersNearAndFar() throws {
      let info = UnwindInfo(
        (7, .allocate(0x100)), (11, .save(3, at: 8)), (19, .saveFar(12, at: 0x28)),
        (24, .saveVector(6, at: 0x40)), (30, .saveVectorFar(7, at: 0x50)),
        (34, .save(13, at: 0xf8)))
      let next = try #require(Scene(info, words(64, [1: 3, 5: 12, 31: 13, 32: caller])).step())
      #expect([next.rbx, next.r12, next.r13, next.rip] == [3, 12, 13, caller])
      #expect(next.rsp == stack + 0x108)
    }

    /// Code with a frame register moves its stack pointer as it likes after the prolog.
    @Test(arguments: [0, 0x30, 0xf0], [false, true]) func frameRegister(
      distance: Int, isLarge: Bool
    )
      throws
    {
      for register: UInt8 in [5, 13] {
        var info = UnwindInfo(
          (1, .push(5)), (3, .push(13)), (10, .allocate(0x100)),
          (15, isLarge ? .setLargeFrame(distance) : .setFrame(distance)), (19, .save(3, at: 0x20)))
        info.frameRegister = register
        info.frameOffset = isLarge ? 15 : UInt8(distance / 16)
        // localloc: the frame begins 64 words above the stack pointer.
        var scene = Scene(
          info, words(110, [64 + 4: 3, 64 + 32: 13, 64 + 33: 5, 64 + 34: caller]))
        let frame = stack + 64 * 8 + UInt64(distance)
        if register == 5 { scene.registers.rbp = frame } else { scene.registers.r13 = frame }
        let next = try #require(scene.step())
        #expect([next.rbx, next.r13, next.rbp, next.rip] == [3, 13, 5, caller])
        #expect(next.rsp == stack + UInt64(64 + 35) * 8)
      }
    }

    /// The four bits of the header are not enough for this one.
    @Test func frameRegisterFarAboveTheStackPointer() throws {
      var info = UnwindInfo((1, .push(5)), (8, .allocate(0x8000)), (16, .setLargeFrame(0x7ff0)))
      (info.frameRegister, info.frameOffset) = (5, 15)
      var scene = Scene(info, [])
      scene.registers.rbp = stack + 0x7ff0
      scene.memory.regions.append((stack + 0x8000, [5, caller].flatMap { littleEndian($0) }))
      let next = try #require(scene.step())
      #expect([next.rbp, next.rip, next.rsp] == [5, caller, stack + 0x8010])
    }

    /// An exception handler is a function of its own, which runs with the frame pointer of the one that it
    /// belongs to: its own tables do not use it.
    @Test func aFrameOfAHandlerIsNotFoundByItsFramePointer() throws {
      var scene = Scene(
        UnwindInfo((1, .push(5)), (2, .push(3)), (6, .allocate(8))), [0, 3, 5, caller])
      scene.registers.rbp = 0x1234_5678_0000
      let next = try #require(scene.step())
      #expect([next.rbx, next.rbp, next.rip] == [3, 5, caller])
    }

    // MARK: Prolog

    /// push rbp; push r15; sub rsp, 0x20; lea rbp, [rsp+0x20]; mov [rsp+8], rbx: stopped before each.
    @Test(arguments: [0, 1, 3, 7, 12, 17, 40]) func eachPointOfAProlog(offset: UInt64) throws {
      var info = UnwindInfo(
        (1, .push(5)), (3, .push(15)), (7, .allocate(0x20)), (12, .setFrame(0x20)),
        (17, .save(3, at: 8)))
      (info.frameRegister, info.frameOffset) = (5, 2)
      // The stack as it is at the end; earlier its innermost words are not there yet.
      let all: [UInt64] = [0, 33, 0, 0, 15, 55, caller]
      let missing = [0: 6, 1: 5, 3: 4][offset] ?? 0
      var scene = Scene(info, at: offset, Array(all.dropFirst(missing)))
      (scene.registers.rbx, scene.registers.rbp, scene.registers.r15) = (33, 55, 15)
      if offset >= 12 { scene.registers.rbp = stack + 0x20 }
      if offset >= 17 { scene.registers.rbx = 1 }
      if offset >= 3 { scene.registers.r15 = 2 }
      let next = try #require(scene.step())
      #expect([next.rbx, next.r15, next.rbp, next.rip] == [33, 15, 55, caller])
      #expect(next.rsp == stack + UInt64(all.count - missing) * 8)
    }

    /// A register may be saved before the frame register is set, which then still is the caller's.
    @Test func savedBeforeTheFrameRegisterIsSet() throws {
      var info = UnwindInfo(
        (1, .push(5)), (5, .allocate(32)), (9, .save(3, at: 8)), (14, .setFrame(0)))
      info.frameRegister = 5
      var scene = Scene(info, at: 9, [0, 33, 0, 0, 55, caller])
      scene.registers.rbp = stack - 64
      let next = try #require(scene.step())
      #expect([next.rbx, next.rbp, next.rip] == [33, 55, caller])
    }

    // MARK: Parts

    @Test func aPartRefersToTheOneWithTheProlog() throws {
      var part = UnwindInfo((4, .save(14, at: 8)))
      part.parent = (0x300, 0x380, 0x900)
      var parent = UnwindInfo((1, .push(5)), (250, .allocate(0x20)))
      parent.prologSize = 250
      // At its first instruction: of its own operations none is done, of the other's all.
      for (offset, expected) in [(0, 99), (4, 14)] as [(UInt64, UInt64)] {
        var scene = Scene(part, at: offset, [0, 14, 0, 0, 5, caller])
        scene.add(parent, at: 0x900)
        scene.registers.r14 = 99
        let next = try #require(scene.step())
        #expect([next.r14, next.rbp, next.rip] == [expected, 5, caller])
      }
    }

    /// Registers that a part saves lie relative to the frame register, which another part has set.
    @Test func aPartUsesTheFrameRegisterOfTheWhole() throws {
      var part = UnwindInfo((4, .save(14, at: 8)))
      (part.frameRegister, part.frameOffset) = (5, 1)
      part.parent = (0x300, 0x380, 0x900)
      var parent = UnwindInfo((1, .push(5)), (5, .allocate(0x20)), (10, .setFrame(16)))
      (parent.frameRegister, parent.frameOffset) = (5, 1)
      // It is so from the part's first instruction on.
      part.prologSize = 8
      var scene = Scene(part, at: 4, [7, 7, 0, 14, 0, 0, 5, caller])
      scene.add(parent, at: 0x900)
      scene.registers.rbp = stack + 32
      let next = try #require(scene.step())
      #expect([next.r14, next.rbp, next.rip] == [14, 5, caller])
    }

    @Test func partsThatReferToEachOtherEnd() {
      var first = UnwindInfo((1, .push(5)))
      first.parent = (0x300, 0x380, 0x900)
      var second = first
      second.parent = (0x100, 0x200, 0x800)
      var scene = Scene(first, words(200, [:]))
      scene.add(second, at: 0x900)
      #expect(scene.step() == nil)
      first.parent = (0x100, 0x200, 0x800)
      #expect(Scene(first, words(200, [:])).step() == nil, "its own parent")
    }

    // MARK: Damage

    @Test func damagedInformationIsNone() {
      let good = UnwindInfo((1, .push(5)), (5, .allocate(16)))
      let stack: [UInt64] = [0, 0, 5, caller]
      #expect(Scene(good, stack).step() != nil)
      for version: UInt8 in [0, 3, 4, 7] {
        var info = good
        info.version = version
        #expect(Scene(info, stack).step() == nil, "version \(version)")
      }
      for count: UInt8 in [3, 4, 255] {
        var info = good
        info.claimedSlots = count
        #expect(Scene(info, stack).step() == nil, "\(count) slots, where memory ends before")
      }
      for code: UInt8 in [12, 13, 14, 15, 0x5c] {
        #expect(Scene(UnwindInfo((1, .raw(code, slots: 1))), stack).step() == nil)
      }
      // Nothing that compiled code has.
      #expect(Scene(UnwindInfo((1, .pushMachineFrame)), stack).step() == nil)
      // Operations that need more slots than there are.
      for (code, slots) in [(1, 1), (0x11, 2), (4, 1), (5, 2), (8, 1), (9, 2), (11, 2)] {
        #expect(Scene(UnwindInfo((1, .raw(UInt8(code), slots: slots))), stack).step() == nil)
      }
      // A frame register, and none named.
      for operation: UnwindInfo.Operation in [.setFrame(0), .setLargeFrame(0)] {
        var scene = Scene(UnwindInfo((1, operation)), stack)
        scene.registers.rax = ManagedScene.stack
        #expect(scene.step() == nil)
      }
    }

    @Test func memoryThatCannotBeReadIsNoStep() {
      let info = UnwindInfo((1, .push(5)), (5, .save(3, at: 0x40)))
      #expect(Scene(info, words(9, [:])).step() != nil)
      #expect(Scene(info, words(8, [:])).step() == nil, "the saved register")
      #expect(Scene(UnwindInfo((1, .push(5))), [5]).step() == nil, "the return address")
      #expect(Scene(UnwindInfo((1, .push(5))), []).step() == nil, "the pushed register")
      var scene = Scene(info, words(9, [:]))
      scene.memory.regions.remove(at: 1)
      #expect(scene.step() == nil, "the information")
      scene = Scene(info, words(9, [:]))
      var part = UnwindInfo()
      part.parent = (0xffff_ffff, 0xffff_ffff, 0xffff_ffff)
      scene.memory.regions[1].bytes = part.bytes
      #expect(scene.step() == nil, "the part that it refers to")
      for count in 0..<16 {
        scene.memory.regions[1].bytes = Array(part.bytes.prefix(count))
        #expect(scene.step() == nil)
      }
    }

    /// Information may lie at the very end of readable memory: what follows it is not needed.
    @Test func nothingBehindTheInformationIsRead() {
      let info = UnwindInfo((1, .push(5)))
      #expect(info.bytes.count == 6)
      #expect(Scene(info, [5, caller]).step()?.rip == caller)
    }

    @Test func numbersAtTheEndsOfTheirRangeAreNoTrap() {
      var info = UnwindInfo(
        (1, .push(5)), (2, .allocate(0xffff_fff8)), (3, .setLargeFrame(0xffff_fff0)),
        (4, .saveFar(3, at: 0xffff_ffff)))
      (info.frameRegister, info.frameOffset) = (5, 15)
      for value: UInt64 in [0, 1, .max, .max - 7, 1 << 63] {
        var scene = Scene(info, [1, 2])
        (scene.registers.rbp, scene.registers.rsp) = (value, value)
        #expect(scene.step() == nil)
        scene.registers.rip = value
        #expect(scene.step() == nil)
      }
    }

    /// Any bytes: never a trap, and of what comes out every word was on the stack.
    @Test(.timeLimit(.minutes(5))) func anyInformation() {
      var random = Xorshift(seed: 11)
      let stackWords = words(512, [:])
      let (known, stackBytes) = (Set(stackWords), stackWords.flatMap { littleEndian($0) })
      var steps = 0
      for round in 0..<60_000 {
        var scene = Scene(UnwindInfo(), at: UInt64(random.below(0x100)), [])
        var bytes = (0..<(4 + 2 * random.below(12) + 12)).map { _ in UInt8(random.below(256)) }
        // Most are to get beyond the header.
        if round % 8 != 0 {
          bytes[0] = [1, 2, 0x21, 0x0a][random.below(4)]
          bytes[2] = UInt8((bytes.count - 16) / 2)
        }
        if bytes[0] & 0x20 != 0 {
          let at = 4 + 2 * ((Int(bytes[2]) + 1) & ~1)
          if at + 12 <= bytes.count { bytes.replaceSubrange(at + 8..<at + 12, with: [0, 8, 0, 0]) }
        }
        scene.memory.regions[1].bytes = bytes
        scene.memory.regions[2].bytes = stackBytes
        scene.registers.rbp = stack + UInt64(random.below(512) * 8)
        guard let next = scene.step() else { continue }
        steps += 1
        if next.rsp & 7 == 0 { #expect(known.contains(next.rip)) }
      }
      #expect(steps > 2000)
    }
  }
#endif
