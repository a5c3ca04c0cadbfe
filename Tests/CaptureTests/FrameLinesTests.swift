import Memory
import Report
import Symbols
import Testing

@testable import Capture
@testable import Unwinding

/// Frames of native code with lines and inlined calls, without a process.
@Suite struct FrameLinesTests {
  private static let images = ImageTable([
    Image(
      kind: .elf, path: "/app/libcrash.so", base: 0x4000, end: 0x5000,
      mappings: [Mapping(start: 0x4000, end: 0x5000, permissions: "r-xp")])
  ])

  private let stacks = StackFinder(
    mappings: MappingTable([
      Mapping(start: 0x10_0000, end: 0x20_0000, permissions: "rw-p", path: "[stack]")
    ]), isMainThread: true, threadPointer: 0, alternateStacks: [0x30_0000..<0x30_8000])

  private func frames(
    _ place: CodePlace, symbol: Symbol? = nil, sp: UInt64 = 0x10_0000, hasRuntime: Bool = false
  ) -> [Frame] {
    let step = Walk.Step(
      ip: 0x4021, sp: sp, trust: .cfi, isInterrupted: false, isSignalTrampoline: false)
    let builder = FrameBuilder(
      images: Self.images, runtime: nil, names: nil, symbols: symbol.map { [0x4020: $0] } ?? [:],
      lines: [0x4020: place])
    return builder.frames([step], thread: 7, stacks: stacks, home: .main)
  }

  private let place = CodePlace(
    inlined: [
      InlinedCall(
        function: "leaf(int)", rawFunction: "_Z4leafi",
        place: SourcePlace(file: "/src/leaf.h", line: 3, column: 7)),
      InlinedCall(function: "middle", place: nil),
    ],
    place: SourcePlace(file: "/src/crash.c", line: 12),
    function: Symbol(name: "outer(int)", rawName: "_Z5outeri", address: 0x4010))

  @Test func inlinedCallsComeFirst() {
    let found = frames(place, symbol: Symbol(name: "outer", address: 0x4011))
    #expect(found.map(\.kind) == [.inlined, .inlined, .native])
    #expect(
      found.map(\.function) == ["leaf(int)", "middle", "outer"], "the ELF symbol's name stays")
    #expect(found.map(\.rawFunction) == ["_Z4leafi", nil, nil])
    #expect(found.map(\.file) == ["/src/leaf.h", nil, "/src/crash.c"])
    #expect(found.map(\.line) == [3, nil, 12])
    #expect(found.map(\.column) == [7, nil, nil])
    #expect(found.map(\.functionOffset) == [nil, nil, 0x10])
    #expect(found.allSatisfy { $0.ip == 0x4021 && $0.sp == 0x10_0000 && $0.trust == .cfi })
    #expect(found.allSatisfy { $0.module == 0 && $0.moduleOffset == 0x21 })
  }

  @Test func allLieOnTheSameStack() {
    #expect(frames(place, sp: 0x30_0010).map(\.stack) == [.alternate, .alternate, .alternate])
  }

  @Test func whereThereIsNoSymbolDebugInformationNames() {
    let found = frames(place)
    #expect(found.last?.function == "outer(int)" && found.last?.rawFunction == "_Z5outeri")
    #expect(found.last?.functionOffset == 0x11)
    // The cold part of a function may lie before it.
    var cold = place
    cold.function?.address = 0x4800
    #expect(frames(cold).last?.function == "outer(int)")
    #expect(frames(cold).last?.functionOffset == nil)
  }

  @Test func theVerdictNamesTheLine() {
    func words(_ frames: [Frame]) -> String? { CrashPlace.words(frames, images: Self.images) }
    #expect(words(frames(place)) == "leaf(int) (leaf.h:3)")
    let plain = CodePlace(place: nil, function: place.function)
    #expect(words(frames(plain)) == "outer(int) (libcrash.so)")
    var abort = frames(plain)[0]
    abort.function = "abort"
    #expect(words([abort] + frames(place)) == "leaf(int) (leaf.h:3)")
  }
}
