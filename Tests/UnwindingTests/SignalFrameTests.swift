import Memory
import Testing

@testable import Unwinding

/// Signal frames: recognised by the trampoline's bytes, because musl's has no unwind information.
@Suite(.serialized, .timeLimit(.minutes(5))) struct SignalFrameTests {
  /// Registers that are all different, so that each restored one can be told from its neighbour.
  private func interrupted(at function: String, sp: UInt64, framePointer: UInt64) -> RegisterSet {
    var saved = RegisterSet()
    saved.rax = 0xa1
    saved.rbx = 0xb1
    saved.rcx = 0xc1
    saved.rdx = 0xd1
    saved.rsi = 0x51
    saved.rdi = 0xd2
    saved.r8 = 0x80
    saved.r9 = 0x90
    saved.r10 = 0x10
    saved.r11 = 0x11
    saved.r12 = 0x12
    saved.r13 = 0x13
    saved.r14 = 0x14
    saved.r15 = 0x15
    saved.rflags = 0x246
    saved.rip = Scene.site(function)
    saved.rsp = sp
    saved.rbp = framePointer
    return saved
  }

  private let story: [Word] = [
    .junk, .frame("inner's", to: "main's"), .returnTo("main"),
    .junk, .frame("main's", to: nil), .returnTo("start"), .junk,
  ]

  /// A handler on an alternate stack at a higher address, and one at a lower: there is no order between
  /// stacks (field bug 20).
  @Test(arguments: [true, false], [false, true])
  func theWalkCrossesFromOneStackToAnother(alternateIsHigher: Bool, withTables: Bool) throws {
    let home = alternateIsHigher ? Scene.otherStack : Scene.stack
    let saved = interrupted(at: "inner", sp: home, framePointer: home + 8)
    let handler: [Word] = [
      .junk, .frame("handler's", to: nil), .returnTo("trampoline"),
      .signalContext(saved, number: 11, code: 1, address: 0x18), .junk,
    ]
    var scene =
      alternateIsHigher
      ? Scene(handler, other: story, at: "handler", framePointer: "handler's")
      : Scene(story, other: handler, at: "handler", framePointer: "handler's")
    if withTables { scene.addUnwindTables(outermost: "start") }
    scene.registers.rsp = alternateIsHigher ? Scene.stack : Scene.otherStack
    let walk = scene.walk()
    #expect(walk.story == "handler trampoline inner main start")
    #expect(walk.end == .outermost)
    #expect(walk.steps.map(\.isSignalTrampoline) == [false, true, false, false, false])
    #expect(walk.steps.map(\.isInterrupted) == [true, true, true, false, false])
    // One byte before it is another function.
    #expect(walk.steps[1].lookupAddress == Scene.trampoline)
    #expect(walk.steps[2].trust == .context)
    #expect(walk.steps[2].sp == home)
    let signal = try #require(walk.signals.first)
    #expect(walk.signals.count == 1)
    #expect(signal.step == 1)
    #expect(signal.registers == saved)
    #expect(signal.number == 11 && signal.code == 1 && signal.address == 0x18)
    #expect(signal.trapNumber == 14 && signal.errorCode == 6)
    #expect(signal.alternateStack == Scene.otherStack..<Scene.otherStack + 0x2000)
  }

  /// A function that begins right after another one's last call: the same address is where that call
  /// returns to, by the rules of the one, and where a thread is interrupted, by those of the other.
  @Test func anAddressMeansOneThingReturnedToAndAnotherInterrupted() {
    // "main" begins at the last byte of a call in "handler": the byte after it belongs to "main".
    let border = Scene.code + UInt64(Scene.functions.firstIndex(of: "main")! * 256)
    var saved = RegisterSet()
    saved.rip = border
    saved.rsp = Scene.otherStack
    saved.rbp = Scene.otherStack + 8
    var scene = Scene(
      [
        .junk, .frame("leaf's", to: "handler's"), .value(border),
        .junk, .frame("handler's", to: nil), .returnTo("trampoline"),
        .signalContext(saved, number: 11, code: 1, address: 0x18), .junk,
      ], other: [.junk, .frame("main's", to: nil), .returnTo("start"), .junk],
      framePointer: "leaf's")
    // The interrupted function has no caller; the one before it, whose call ends there, has.
    scene.addUnwindTables(outermost: "main")
    let walk = scene.walk()
    #expect(walk.steps.map(\.ip).dropFirst().prefix(3) == [border, Scene.trampoline, border])
    #expect(walk.count == 4)
    #expect(walk.end == .outermost)
  }

  @Test func aSentSignalTellsItsSender() throws {
    let scene = Scene(
      [
        .frame("handler's", to: nil), .returnTo("trampoline"),
        .signalContext(
          interrupted(at: "inner", sp: Scene.otherStack, framePointer: 0), number: 10, code: 0,
          // si_pid and si_uid lie where a fault's address does.
          address: 1000 << 32 | 4711), .junk,
      ], other: [.junk], at: "handler", framePointer: "handler's")
    let signal = try #require(scene.walk().signals.first)
    #expect(signal.senderPID == 4711)
    #expect(signal.senderUID == 1000)
  }

  @Test func aFaultInAHandlerGivesBothSignalsInnermostFirst() {
    let first = interrupted(at: "inner", sp: Scene.otherStack, framePointer: Scene.otherStack + 8)
    let second = interrupted(
      at: "handler", sp: Scene.stack + 8 * 3 + 432, framePointer: Scene.stack + 8 * 3 + 432)
    let scene = Scene(
      [
        .junk, .frame("second", to: nil), .returnTo("trampoline"),
        .signalContext(second, number: 7, code: 2, address: 1),
        .frame("first", to: nil), .returnTo("trampoline"),
        .signalContext(first, number: 11, code: 1, address: 2), .junk,
      ], other: story, at: "handler", framePointer: "second")
    let walk = scene.walk()
    #expect(walk.story == "handler trampoline handler trampoline inner main start")
    #expect(walk.signals.map(\.number) == [7, 11])
    #expect(walk.signals.map(\.step) == [1, 3])
  }

  /// A context that leads back to the trampoline itself.
  @Test func aLoopOfSignalFramesEnds() {
    var back = RegisterSet()
    back.rip = Scene.trampoline
    back.rsp = Scene.stack
    var scene = Scene([.signalContext(back, number: 11, code: 1, address: 0), .junk])
    scene.registers.rip = Scene.trampoline
    let walk = scene.walk(WalkLimits(head: 10, tail: 0, total: 100_000))
    #expect(walk.end == .noProgress)
    #expect(walk.count < 100)
  }

  @Test func aContextThatIsCutOffEndsTheWalk() {
    let walk = Scene(
      [.frame("handler's", to: nil), .returnTo("trampoline"), .junk, .junk], at: "handler",
      framePointer: "handler's"
    ).walk()
    #expect(walk.story == "handler trampoline")
    #expect(walk.end == .unreadableMemory)
    #expect(walk.signals.isEmpty)
  }

  @Test func anAbsurdAlternateStackIsNoRange() throws {
    var bytes = [UInt8](repeating: 0xff, count: 304 + 32)
    bytes[24] = 0  // flags: not disabled
    let context = FramePolicy.signalContext(0x1000, memory: Bytes(bytes: bytes))
    #expect(try #require(context).alternateStack == nil)
  }
}

private struct Bytes: MemorySource {
  var bytes: [UInt8]
  func read(_ address: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    let count = min(buffer.count, bytes.count)
    buffer.copyBytes(from: bytes[..<count])
    return count
  }
}
