import Memory
import TestSupport
import Testing

@testable import Unwinding

/// Stacks made by hand, in the manner of rust-minidump's tests.
@Suite(.serialized, .timeLimit(.minutes(5))) struct SyntheticStackTests {
  private let chain: [Word] = [
    .junk, .junk,
    .frame("leaf's", to: "inner's"), .returnTo("inner"),
    .junk, .junk, .junk,
    .frame("inner's", to: "main's"), .returnTo("main"),
    .junk,
    .frame("main's", to: nil), .returnTo("start"),
    .junk, .junk,
  ]

  @Test func frameByFramePointer() {
    let scene = Scene(chain, framePointer: "leaf's")
    let walk = scene.walk()
    #expect(walk.story == "leaf inner main start")
    #expect(walk.steps.map(\.trust) == [.context, .framePointer, .framePointer, .framePointer])
    #expect(walk.steps.map(\.isInterrupted) == [true, false, false, false])
    #expect(
      walk.steps.map(\.sp) == [
        Scene.stack, scene["leaf's"] + 16, scene["inner's"] + 16, scene["main's"] + 16,
      ])
    #expect(walk.count == 4)
    #expect(walk.end == .outermost)
  }

  /// nop; call; nop, entered behind the first of them: every goroutine's end.
  @Test(arguments: [nil, "main's"]) func aGoroutineEndsWhereItsFunctionReturns(to frame: String?) {
    let exit = Scene.site("start") - 5
    let words: [Word] = [
      .junk, .frame("leaf's", to: "inner's"), .returnTo("inner"), .junk,
      .frame("inner's", to: frame), .value(exit), .frame("main's", to: nil), .returnTo("main"),
    ]
    let walk = Scene(words, framePointer: "leaf's").walk()
    if frame == nil {
      #expect(walk.steps.map(\.ip) == [Scene.site("leaf"), Scene.site("inner"), exit])
      #expect(walk.end == .outermost)
    } else {
      #expect(walk.end == .noUnwindInformation, "a goroutine's frame pointer is 0")
    }
  }

  @Test func frameByUnwindTables() {
    var scene = Scene(chain, framePointer: "leaf's")
    scene.addUnwindTables(outermost: "start")
    let walk = scene.walk()
    #expect(walk.story == "leaf inner main start")
    #expect(walk.steps.map(\.trust) == [.context, .cfi, .cfi, .cfi])
    #expect(walk.end == .outermost)
  }

  /// What makecontext leaves at the base of a stack. What lies above it looks like callers, to gdb as well.
  @Test(arguments: [WalkLimits(), WalkLimits(head: 1, tail: 4)])
  func aFunctionsBeginningIsNoReturnAddress(limits: WalkLimits) {
    var scene = Scene(
      [
        .junk, .frame("middle's", to: "inner's"), .returnTo("inner"),
        .junk, .frame("inner's", to: "stranger's"), .value(Scene.code),
        .junk, .frame("stranger's", to: nil), .returnTo("main"), .junk,
      ], at: "middle", framePointer: "middle's")
    scene.addUnwindTables(outermost: "start")
    let walk = scene.walk(limits)
    #expect(walk.story == "middle inner leaf")
    #expect(walk.end == .outermost)
    #expect(walk.steps.map(\.lookupAddress).last == Scene.code)
  }

  /// Go puts such a frame above its callers where a goroutine has called C, and is called back.
  @Test func aPlantedFrameMayHaveACaller() {
    var scene = Scene(
      [
        .junk, .frame("middle's", to: "inner's"), .returnTo("inner"),
        .junk, .frame("inner's", to: "main's"), .value(Scene.code), .returnTo("main"),
        .junk, .frame("main's", to: nil), .returnTo("start"), .junk,
      ], at: "middle", framePointer: "middle's")
    scene.addUnwindTables(outermost: "start")
    let walk = scene.walk()
    #expect(walk.story == "middle inner leaf main start")
    #expect(walk.steps.map(\.isInterrupted) == [true, false, true, false, false])
    #expect(walk.end == .outermost)
  }

  /// The look-up of a caller must use the calling instruction: what follows may be another function.
  @Test func aCallThatNeverReturnsBelongsToItsCaller() {
    let step = Walk.Step(
      ip: 0x1000, sp: 0, trust: .cfi, isInterrupted: false, isSignalTrampoline: false)
    #expect(step.lookupAddress == 0xfff)
    var first = step
    first.isInterrupted = true
    #expect(first.lookupAddress == 0x1000)
  }

  /// `eu-stack -n 0` and libunwind's own loop never come back from this one.
  @Test(arguments: [false, true]) func twoFramesThatPointAtEachOtherEnd(withTables: Bool) {
    var scene = Scene(
      [
        .junk,
        .frame("a", to: "b"), .returnTo("inner"),
        .junk,
        .frame("b", to: "a"), .returnTo("middle"),
        .junk,
      ], framePointer: "a")
    if withTables { scene.addUnwindTables() }
    let walk = scene.walk(WalkLimits(head: 100, tail: 0, total: 100_000))
    #expect(walk.story.hasPrefix("leaf inner middle"))
    #expect(walk.count < 10)
    #expect(walk.end != .outermost, "a broken stack is not complete")
  }

  @Test(arguments: [false, true]) func aFrameThatPointsAtItselfEnds(withTables: Bool) {
    var scene = Scene(
      [.junk, .frame("a", to: "a"), .returnTo("inner"), .junk], framePointer: "a")
    if withTables { scene.addUnwindTables() }
    let walk = scene.walk(WalkLimits(head: 100, tail: 0, total: 100_000))
    #expect(walk.story.hasPrefix("leaf inner"))
    #expect(walk.count < 10)
    #expect(walk.end != .outermost)
  }

  @Test(arguments: [UInt64(8), .max, .max - 15, 0x7fff_f000_0000])
  func aWildFramePointerEndsTheWalk(value: UInt64) {
    for withTables in [false, true] {
      var scene = Scene([.junk, .junk, .junk], at: "leaf")
      scene.registers.rbp = value
      if withTables { scene.addUnwindTables() }
      let walk = scene.walk()
      #expect(walk.story == "leaf")
      #expect(walk.end == (withTables ? .unreadableMemory : .noUnwindInformation))
    }
  }

  /// A return address that was overwritten is shown for what it is, and is the last thing shown.
  @Test func aSmashedReturnAddressIsTheLastFrame() {
    var scene = Scene(
      [.frame("a", to: "b"), .value(0x4141_4141_4141_4141), .junk, .frame("b", to: nil)],
      framePointer: "a")
    scene.addUnwindTables()
    let walk = scene.walk()
    #expect(walk.story == "leaf 0x4141414141414141")
    #expect(walk.end == .noUnwindInformation)
  }

  @Test func aFramePointerBelowTheStackPointerIsNotFollowed() {
    var scene = Scene(chain, framePointer: "leaf's")
    scene.registers.rsp = scene["leaf's"] + 8
    #expect(scene.walk().story == "leaf")
  }

  /// "The return address" must come after a call: data that looks like code is common on stacks.
  @Test func whatFollowsNoCallIsNoReturnAddress() {
    let walk = Scene(
      [.frame("a", to: nil), .value(Scene.code + 0x80), .junk], framePointer: "a"
    ).walk()
    #expect(walk.story == "leaf")
    #expect(walk.end == .noUnwindInformation)
  }

  @Test(arguments: [UInt64(0), 0x10, Scene.stack + 8, 0xdead_0000_0000_0000])
  func aCallIntoTheVoidPopsItsReturnAddress(target: UInt64) {
    var scene = Scene(
      [
        .returnTo("middle"), .junk,
        .frame("middle's", to: "outer's"), .returnTo("outer"),
        .frame("outer's", to: nil), .returnTo("start"),
      ], framePointer: "middle's")
    scene.registers.rip = target
    let walk = scene.walk()
    #expect(walk.steps.first?.ip == target)
    #expect(walk.steps.dropFirst().map(\.sp).first == Scene.stack + 8)
    #expect(walk.story.hasSuffix("middle outer start"))
    #expect(walk.count == 4)
    #expect(walk.end == .outermost)
  }

  @Test func aJumpIntoTheVoidHasNoCaller() {
    var scene = Scene([.junk, .returnTo("middle")])
    scene.registers.rip = 0
    let walk = scene.walk()
    #expect(walk.count == 1)
    #expect(walk.end == .noUnwindInformation)
  }

  @Test func noStackAtAllIsStillOneFrame() {
    for withTables in [false, true] {
      var scene = Scene([])
      if withTables { scene.addUnwindTables() }
      scene.registers.rsp = 0
      scene.registers.rbp = 0x100
      let walk = scene.walk()
      #expect(walk.story == "leaf")
      #expect(walk.end != .outermost)
    }
  }

  /// An interrupted leaf may have rbp 0 of its own; deeper down 0 marks the end.
  @Test func zeroFramePointerEndsOnlyBelowTheFirstFrame() {
    let walk = Scene([.junk, .junk]).walk()
    #expect(walk.count == 1)
    #expect(walk.end == .noUnwindInformation, "one frame is no complete stack")
  }
}
