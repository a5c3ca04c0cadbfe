import Report
import Testing

@testable import Diagnosis

/// Two crashes are one when the same code crashed in the same way, wherever it was loaded.
@Suite struct SignatureTests {
  private let modules = [
    ModuleRecord(path: "/app/libcrash.so", kind: .elf, base: 0x1000, end: 0x2000),
    ModuleRecord(path: "[anonymous]", kind: .jit, base: 0x8000, end: 0x9000),
  ]

  private func frame(
    _ function: String? = nil, module: Int? = 0, offset: UInt64 = 0x10, base: UInt64 = 0x1000
  ) -> Frame {
    var frame = Frame(
      kind: .native, trust: .cfi, ip: HexNumber(base + offset), sp: HexNumber(base))
    frame.function = function
    frame.module = module
    frame.moduleOffset = HexNumber(offset)
    return frame
  }

  private func crash(_ kind: Crash.Kind = .nativeFault, signal: String = "SIGSEGV") -> Crash {
    Crash(
      kind: kind, summary: "thread 1 at 0x1", signal: SignalRecord(number: 11, name: signal))
  }

  private func hash(_ frames: [Frame], crash: Crash? = nil, id: Int = 1) throws -> String {
    let thread = ThreadRecord(
      id: id, crashed: true, frames: frames, frameCount: frames.count, complete: true,
      endReason: .outermost)
    let signature = CrashSignature.signature(
      crash ?? self.crash(), thread: thread, modules: modules)
    try #require(!signature.frames.isEmpty)
    #expect(signature.hash.count == 16)
    let isHex = signature.hash.allSatisfy { $0.isHexDigit }
    #expect(isHex)
    return signature.hash
  }

  @Test func addressesAndIdsDoNotCount() throws {
    let here = try hash([frame("a"), frame("b"), frame()])
    let there = try hash(
      [
        frame("a", base: 0x7f00_0000), frame("b", offset: 0x99, base: 0x7f00_0000),
        frame(base: 0x7f00_0000),
      ], id: 99)
    #expect(here == there)
  }

  /// The same build has the same signature with and without its debug information.
  @Test func whatWasInlinedDoesNotCount() throws {
    var inlined = frame("inner")
    inlined.kind = .inlined
    #expect(
      try hash([inlined, frame("a"), inlined, frame("b")]) == hash([frame("a"), frame("b")]))
  }

  @Test func whatCrashedCounts() throws {
    let hashes = try [
      hash([frame("a"), frame("b")]), hash([frame("b"), frame("a")]), hash([frame("a")]),
      hash([frame("a"), frame("c")]), hash([frame(offset: 0x10)]),
      hash([frame(offset: 0x11)]), hash([frame("a"), frame("b")], crash: crash(.abort)),
      hash([frame("a"), frame("b")], crash: crash(signal: "SIGBUS")),
    ]
    #expect(Set(hashes).count == hashes.count)
  }

  @Test func machineryAndTheDepthDoNotCount() throws {
    var plumbing = frame("signal trampoline")
    plumbing.plumbing = true
    #expect(try hash([plumbing, frame("a"), plumbing]) == hash([frame("a")]))
    let deep = (0..<6).map { frame("f\($0)") }
    #expect(try hash(deep + [frame("main")]) == hash(deep + [frame("other main"), frame("x")]))
  }

  @Test func generatedCodeHasNoOffsetToCompare() throws {
    let generated = frame(module: 1, offset: 1)
    #expect(try hash([generated, frame("a")]) == hash([frame("a")]))
    #expect(try hash([frame(module: 99), frame("a")]) == hash([frame("a")]), "out of range")
  }

  @Test func crashesOfWhichNothingIsKnownHaveNoFramesToBeComparedBy() {
    for frames in [[], [frame(module: 1, offset: 1)], [frame(module: nil)], [frame("clone3")]] {
      let thread = ThreadRecord(
        id: 1, crashed: true, frames: frames, frameCount: 1, complete: true, endReason: .outermost)
      let signature = CrashSignature.signature(crash(), thread: thread, modules: modules)
      #expect(signature.frames.isEmpty)
      #expect(signature == CrashSignature.signature(crash(), thread: nil, modules: []))
    }
  }

  @Test func theStartOfAThreadDoesNotCount() throws {
    let start = [frame("__libc_start_main"), frame("_start")]
    #expect(try hash([frame("a")] + start) == hash([frame("a"), frame("start_thread")]))
  }

  @Test func templatesOfOneNameDifferByTheirRawNames() throws {
    var one = frame("f<>")
    one.rawFunction = "_Z1fIiEvv"
    var other = frame("f<>")
    other.rawFunction = "_Z1fIlEvv"
    #expect(try hash([one]) != hash([other]))
  }
}
