#if arch(x86_64)
  import Memory
  import TestSupport
  import Testing

  @testable import Unwinding

  /// Walks through generated code of which somebody says what it is.
  @Suite struct ManagedWalkTests {
    private let caller = ManagedScene.caller
    private let stack = ManagedScene.stack

    /// The function; its caller at `caller` and that one's caller have no tables.
    private func finder(_ rules: ManagedRules, callers: ManagedCode? = nil) -> ManagedCodeFinder {
      { address in
        (rules.start..<rules.end).contains(address) ? .function(rules) : callers
      }
    }

    @Test func aFrameByTablesIsTrustedAsTheRuntimes() {
      // Its caller pushes rbp, and so on.
      let scene = ManagedScene(
        UnwindInfo((4, .allocate(24))), [1, 2, 3, caller, stack + 56, 4, 5, 0, caller])
      var registers = scene
      registers.registers.rbp = stack + 56
      let walk = registers.walk(finder(scene.rules))
      #expect(walk.steps.map(\.ip) == [scene.registers.rip, caller, caller])
      #expect(walk.steps.map(\.trust) == [.context, .runtime, .framePointer])
      #expect(walk.steps.map(\.sp) == [stack, stack + 32, stack + 72])
      #expect(walk.steps.map(\.isInterrupted) == [true, false, false])
      #expect(walk.end == .outermost)
    }

    /// Addresses are looked up inside the calling instruction.
    @Test func aCallAtTheEndOfAFunctionIsThatFunctions() {
      let scene = ManagedScene(UnwindInfo((4, .allocate(8))), [1, caller, 2, caller])
      var asked: [UInt64] = []
      let rules = scene.rules
      _ = scene.walk { address in
        asked.append(address)
        return .function(rules)
      }
      #expect(asked.prefix(2) == [scene.registers.rip, caller - 1])
    }

    /// What follows a call may well be an epilog, and none of it has been carried out.
    @Test func anEpilogRightAfterACallHasNotBegun() {
      let back = ManagedScene.start + 0x80
      let scene = ManagedScene(
        UnwindInfo((4, .allocate(16))), [1, 2, back, caller, 4, caller], code: [0x5d, 0xc3])
      var inner = scene
      inner.registers.rip = ManagedScene.start + 0x40
      let walk = inner.walk(finder(scene.rules))
      #expect(walk.steps.map(\.ip) == [ManagedScene.start + 0x40, back, caller])
      #expect(walk.steps.last?.sp == stack(6))
    }

    @Test func recursionEndsWithTheStack() {
      let rules = ManagedScene(UnwindInfo((1, .push(5))), []).rules
      var words: [UInt64] = []
      for _ in 0..<20 { words += [0, ManagedScene.caller] }
      let scene = ManagedScene(UnwindInfo((1, .push(5))), words)
      let walk = scene.walk { _ in .function(rules) }
      #expect(walk.count == 21)
      #expect(walk.end == .noUnwindInformation, "a frame pointer of 0 means nothing here")
      #expect(walk.repeated?.times == 20)
    }

    @Test func aStubHasPutNothingOnTheStack() {
      let scene = ManagedScene(UnwindInfo(), [caller, 1, 2])
      let walk = scene.walk { $0 < ManagedScene.end ? .stub : nil }
      #expect(walk.steps.map(\.ip) == [scene.registers.rip, caller])
      #expect(walk.steps.map(\.trust) == [.context, .runtime])
      #expect(walk.steps.last?.sp == stack + 8)
    }

    /// A stub that has called something is none: below the innermost frame it has no known form.
    @Test func aStubBelowTheInnermostFrameIsNotGuessed() {
      let scene = ManagedScene(UnwindInfo((4, .allocate(8))), [1, caller, caller, caller])
      let walk = scene.walk(finder(scene.rules, callers: .stub))
      #expect(walk.steps.map(\.trust) == [.context, .runtime])
    }

    @Test func withoutRulesTheFramePointerServes() {
      var scene = ManagedScene(UnwindInfo(), [1, stack(5), caller, 2, 3, 0, caller])
      scene.registers.rbp = stack + 8
      let walk = scene.walk { _ in .functionWithoutRules }
      #expect(walk.steps.map(\.trust) == [.context, .framePointer, .framePointer])
      #expect(walk.end == .noUnwindInformation)
    }

    private func stack(_ word: Int) -> UInt64 { stack + UInt64(word * 8) }

    /// Damage is not silent: the frame that follows says by which means it was found.
    @Test func damagedRulesFallBackToTheFramePointer() {
      var broken = UnwindInfo((4, .allocate(8)))
      broken.version = 5
      var scene = ManagedScene(broken, [1, caller, stack(5), caller, 2, 0, caller])
      scene.registers.rbp = stack(2)
      let walk = scene.walk(finder(scene.rules))
      #expect(walk.steps.map(\.trust) == [.context, .framePointer, .framePointer])
      #expect(walk.steps.map(\.sp) == [stack, stack(4), stack(7)])
    }

    /// What the tables give as the caller has to be code.
    @Test func aCallerThatIsNoCodeIsNone() {
      for wrong: UInt64 in [0, 0x41414141, stack, .max] {
        let scene = ManagedScene(UnwindInfo((4, .allocate(8))), [1, wrong])
        let walk = scene.walk(finder(scene.rules))
        #expect(walk.count == 1)
        #expect(walk.end == .noUnwindInformation)
      }
    }

    @Test func tablesThatLeadBackEnd() {
      var info = UnwindInfo((1, .setFrame(0)), (4, .allocate(16)))
      info.frameRegister = 3
      // The frame register stays where it is, so each step finds the same frame again.
      var scene = ManagedScene(info, [1, caller, 3, 4, 5, 6, caller])
      scene.registers.rbx = stack + 8
      let rules = scene.rules
      let walk = scene.walk { _ in .function(rules) }
      #expect(walk.count <= 3)
      #expect(walk.end == .noProgress)
    }

    /// The same as a whole: any information, any stack; it ends, and never as complete by accident.
    @Test(.timeLimit(.minutes(5))) func anyWalkEnds() {
      var random = Xorshift(seed: 5)
      var frames = 0
      for _ in 0..<3000 {
        var scene = ManagedScene(
          UnwindInfo(),
          (0..<256).map { _ in
            switch random.below(4) {
            case 0: caller
            case 1: ManagedScene.start + UInt64(random.below(256))
            case 2: stack + UInt64(random.below(256) * 8)
            default: random.next()
            }
          })
        var bytes = (0..<32).map { _ in UInt8(random.below(256)) }
        (bytes[0], bytes[2]) = ([1, 0x21][random.below(2)], UInt8(random.below(8)))
        // Mostly pushes and small allocations.
        for slot in 0..<8 where random.below(3) > 0 {
          bytes[5 + 2 * slot] = bytes[5 + 2 * slot] & 0x70 | UInt8(random.below(2) * 2)
        }
        scene.memory.regions[1].bytes = bytes
        scene.registers.rbp = stack + UInt64(random.below(256) * 8)
        let rules = scene.rules
        let walk = scene.walk { address in
          address % 5 == 0 ? .stub : address % 7 == 0 ? nil : .function(rules)
        }
        frames += walk.count
        #expect(walk.count <= 300)
      }
      #expect(frames > 5000)
    }
  }
#endif
