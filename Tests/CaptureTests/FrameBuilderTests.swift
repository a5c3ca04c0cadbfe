import DotNet
import Memory
import Report
import Symbols
import Testing

@testable import Capture
@testable import Unwinding

/// From the steps of a walk to the report's frames, without a process: somebody made up knows the managed
/// code.
@Suite struct FrameBuilderTests {
  /// Where code lies, by what it is.
  private enum Place: UInt64 {
    case runtime = 0x1000
    case assembly = 0x2000
    case generated = 0x3000
    case library = 0x4000
    case libc = 0x5000
    case nowhere = 0x9000
    /// An address inside, the `number`th.
    func callAsFunction(_ number: UInt64 = 1) -> UInt64 { rawValue + 0x10 * number }
  }

  private struct Names: ManagedCodeNames {
    var canAsk = true
    var isInFailFast = false
    /// By lookup address.
    var methods: [UInt64: ManagedNames.Resolved] = [:]
    /// Records of calls by where on the stack they lie.
    var records: [UInt64: String] = [:]
    var helpers: [UInt64: String] = [:]

    func resolve(_ address: UInt64) -> ManagedNames.Resolved? { methods[address] }
    func nativeMethod(
      thread: Int32, between start: UInt64, and end: UInt64
    ) -> ManagedNames.Resolved? {
      guard thread == 7, start < end else { return nil }
      return records.first { (start..<end).contains($0.key) }.map {
        ManagedNames.Resolved(kind: .runtime, function: $0.value, isPlumbing: false)
      }
    }
    func helper(calledBefore returnAddress: UInt64) -> ManagedNames.Resolved? {
      helpers[returnAddress].map {
        ManagedNames.Resolved(kind: .runtime, function: $0, isPlumbing: true)
      }
    }
  }

  private static let images: ImageTable = {
    func image(_ kind: Image.Kind, _ path: String, _ place: Place) -> Image {
      let (start, end) = (place.rawValue, place.rawValue + 0x1000)
      return Image(
        kind: kind, path: path, base: start, end: end,
        mappings: [Mapping(start: start, end: end, permissions: "r-xp")])
    }
    return ImageTable([
      image(.elf, "/dotnet/8.0.4/libcoreclr.so", .runtime), image(.pe, "/app/App.dll", .assembly),
      image(.jit, "[anonymous]", .generated), image(.elf, "/app/libcrash.so", .library),
      image(.elf, "/lib/libc.so.6", .libc),
    ])
  }()

  private static let runtime = ManagedRuntime(
    mappings: MappingTable([
      Mapping(
        start: 0x1000, end: 0x2000, permissions: "r-xp", inode: 1,
        path: "/dotnet/8.0.4/libcoreclr.so"
      )
    ]))

  private func builder(
    _ names: Names?, symbols: [UInt64: Symbol] = [:], hasRuntime: Bool = true
  ) -> FrameBuilder {
    FrameBuilder(
      images: Self.images, runtime: hasRuntime ? Self.runtime : nil, names: names, symbols: symbols)
  }

  private let stacks = StackFinder(
    mappings: MappingTable([
      Mapping(start: 0x10_0000, end: 0x20_0000, permissions: "rw-p", path: "[stack]")
    ]), isMainThread: true, threadPointer: 0, alternateStacks: [0x30_0000..<0x30_8000])

  /// Frames of 0x100 bytes, innermost first; the first one interrupted.
  private func steps(_ addresses: [UInt64], trampolines: Set<Int> = []) -> [Walk.Step] {
    addresses.enumerated().map { index, ip in
      let isInterrupted = index == 0 || trampolines.contains(index - 1)
      return Walk.Step(
        ip: ip, sp: 0x10_0000 + 0x100 * UInt64(index),
        trust: isInterrupted ? .context : .cfi, isInterrupted: isInterrupted,
        isSignalTrampoline: trampolines.contains(index))
    }
  }

  private func walk(_ addresses: [UInt64], signals: [(step: Int, number: Int32, code: Int32)] = [])
    -> Walk
  {
    var walk = Walk()
    walk.steps = steps(addresses, trampolines: Set(signals.map(\.step)))
    walk.count = addresses.count
    walk.signals = signals.map {
      SignalContext(
        step: $0.step, registers: RegisterSet(), number: $0.number, code: $0.code, errno: 0,
        address: UInt64($0.step), senderPID: 0, senderUID: 0, errorCode: 0, trapNumber: 0)
    }
    return walk
  }

  private func frames(
    _ builder: FrameBuilder, _ steps: [Walk.Step], thread: Int32 = 7, below: Walk.Step? = nil
  ) -> [Frame] {
    builder.frames(steps[...], thread: thread, stacks: stacks, home: .main, below: below)
  }

  private func method(
    _ function: String, _ identity: UInt64 = 1, isPlumbing: Bool = false, isHandler: Bool = false
  ) -> ManagedNames.Resolved {
    ManagedNames.Resolved(
      kind: .managed, function: function, isPlumbing: isPlumbing, method: identity,
      isHandler: isHandler,
      managed: Frame.Managed(token: 0x600_0001, ilOffset: nil, assembly: "App.dll", mvid: nil))
  }

  // MARK: One frame

  @Test func framesByWhatTheirImageIs() {
    let places: [Place] = [.runtime, .assembly, .generated, .library, .nowhere]
    let walked = steps(places.map { $0() })
    let known = frames(builder(nil), walked)
    #expect(known.map(\.kind) == [.native, .managed, .managed, .native, .native])
    #expect(known.map(\.plumbing) == [true, nil, nil, nil, nil])
    #expect(known.map(\.module) == [0, 1, 2, 3, nil])
    #expect(known.map(\.moduleOffset) == [0x10, 0x10, 0x10, 0x10, nil])
    // Without a runtime a PE file is some file.
    let plain = frames(builder(nil, hasRuntime: false), walked)
    #expect(plain.allSatisfy { $0.kind == .native && $0.plumbing == nil })
  }

  /// Generated code that is no method is a stub, unless there is nobody left to ask.
  @Test func codeThatNobodyKnows() {
    let walked = steps([Place.generated(), Place.assembly(), Place.library()])
    let known = frames(builder(Names()), walked)
    #expect(known.map(\.kind) == [.runtime, .runtime, .native])
    #expect(known.map(\.plumbing) == [true, true, nil])
    let unknown = frames(builder(Names(canAsk: false)), walked)
    #expect(unknown.map(\.kind) == [.managed, .managed, .native])
    #expect(unknown.map(\.plumbing) == [nil, nil, nil])
  }

  @Test func everyTrustHasItsName() {
    let all: [(Walk.Trust, Frame.Trust)] = [
      (.context, .context), (.cfi, .cfi), (.framePointer, .framePointer), (.scan, .scan),
      (.runtime, .runtime),
    ]
    for (trust, expected) in all {
      var walked = steps([Place.library()])
      walked[0].trust = trust
      #expect(frames(builder(nil), walked)[0].trust == expected)
    }
  }

  /// A call at the end of an image belongs to it, though the return address does not.
  @Test func theCallDecides() {
    let end = Place.assembly.rawValue
    let walked = steps([Place.library(), end])
    #expect(frames(builder(nil), walked)[1].module == 0)
    #expect(frames(builder(nil), walked)[1].moduleOffset == 0x1000)
    #expect(frames(builder(nil), Array(steps([end])))[0].module == 1)
    let names = Names(methods: [end - 1: method("A.B")])
    #expect(frames(builder(names), walked)[1].function == nil, "in the native library")
  }

  @Test func namesOfBothKinds() throws {
    let walked = steps([Place.library(), Place.assembly(), Place.nowhere(), Place.library(2)])
    let symbol = Symbol(name: "f(int)", rawName: "_Z1fi", address: Place.library.rawValue)
    var names = Names()
    for step in walked { names.methods[step.lookupAddress] = method("A.B") }
    names.methods[walked[1].lookupAddress]?.line = SourceLine(file: "/a.cs", line: 3, column: 9)
    let found = frames(
      builder(names, symbols: [walked[0].lookupAddress: symbol]), walked)
    #expect(found.map(\.function) == ["f(int)", "A.B", "A.B", nil], "a library's code is native")
    #expect(found.map(\.kind) == [.native, .managed, .managed, .native])
    #expect(found[0].rawFunction == "_Z1fi" && found[0].functionOffset == 0x10)
    #expect([found[1].file, found[2].file] == ["/a.cs", nil])
    #expect(found[1].line == 3 && found[1].column == 9)
  }

  @Test func stacksThatAreNotTheThreadsOwn() {
    var walked = steps([Place.library(), Place.library(2), Place.assembly()])
    walked[0].sp = 0x30_0010
    walked[2].sp = 0x70_0000
    let found = frames(builder(nil), walked)
    #expect(found.map(\.stack) == [.alternate, nil, nil])
    #expect(
      builder(nil).frames(walked[...], thread: 7, stacks: stacks, home: .alternate)[1].stack
        == .main)
  }

  // MARK: Native calls

  /// lock (x): Main calls the runtime, which waits in libc.
  private func waiting(_ names: Names, thread: Int32 = 7) -> [Frame] {
    var names = names
    let walked = steps([
      Place.libc(), Place.runtime(1), Place.runtime(2), Place.assembly(), Place.libc(2),
    ])
    names.methods[walked[3].lookupAddress] = method("Program.Main")
    return frames(builder(names), walked, thread: thread)
  }

  @Test func theFunctionThatManagedCodeCalledIsNamed() {
    // The record is in the frame of the outermost native function, or in that of one which it has called.
    for place: UInt64 in [0x10_0200, 0x10_02ff, 0x10_0100, 0x10_0000] {
      let found = waiting(Names(records: [place: "Monitor.Enter"]))
      #expect(found.map(\.function) == [nil, nil, "Monitor.Enter", "Program.Main", nil])
      #expect(found[2].kind == .runtime && found[2].plumbing == nil)
      #expect(found[2].module == 0, "it stays where it is")
    }
    // Not in any of them; of another thread.
    for place: UInt64 in [0x10_0300, 0x0f_ffff] {
      #expect(waiting(Names(records: [place: "Monitor.Enter"])).map(\.kind)[2] == .native)
    }
    #expect(waiting(Names(records: [0x10_0200: "Monitor.Enter"]), thread: 8)[2].kind == .native)
  }

  @Test func helpersAreNamedWhereThereIsNoRecord() {
    let call = Place.assembly()
    let helper = waiting(Names(helpers: [call: "JIT_New"]))
    #expect(helper[2].function == "JIT_New" && helper[2].plumbing == true)
    let both = waiting(Names(records: [0x10_0200: "Monitor.Enter"], helpers: [call: "JIT_New"]))
    #expect(both[2].function == "Monitor.Enter")
    // What a stub has called is not told by the stub.
    var names = Names(records: [0x10_0000: "Monitor.Enter"])
    let walked = steps([Place.runtime(), Place.generated()])
    names.methods[walked[1].lookupAddress] = ManagedNames.Resolved(
      kind: .runtime, function: "stub", isPlumbing: true)
    #expect(frames(builder(names), walked)[0].function == nil)
  }

  /// Each run of native frames by itself: managed code in between ends it.
  @Test func callbacksDoNotMixUpTheCalls() {
    let walked = steps([
      Place.runtime(), Place.assembly(1), Place.library(), Place.runtime(2), Place.assembly(2),
    ])
    var names = Names(records: [0x10_0080: "Inner"])
    for index in [1, 4] { names.methods[walked[index].lookupAddress] = method("M\(index)") }
    #expect(frames(builder(names), walked).map(\.function) == ["Inner", "M1", nil, nil, "M4"])
    names.records = [0x10_0250: "Outer"]
    #expect(frames(builder(names), walked).map(\.function) == [nil, "M1", nil, "Outer", "M4"])
  }

  /// Handler frames end at the fault, which is then the caller.
  @Test func theFrameBelowTheLastIsAsked() {
    let walked = steps([Place.libc(), Place.runtime(), Place.assembly()])
    var names = Names(records: [0x10_0100: "Throw"])
    names.methods[walked[2].lookupAddress] = method("M")
    let upper = Array(walked.prefix(2))
    #expect(frames(builder(names), upper, below: walked[2])[1].function == "Throw")
    #expect(frames(builder(names), upper)[1].function == nil)
  }

  // MARK: Handlers

  /// Program.Run's catch block waits, on top of what threw.
  @Test func whatAHandlerHasCaughtIsFoldedAway() {
    let walked = steps([
      Place.libc(), Place.assembly(1), Place.runtime(), Place.assembly(2), Place.assembly(3),
      Place.assembly(4),
    ])
    var names = Names()
    names.methods[walked[1].lookupAddress] = method("Run", 1, isHandler: true)
    names.methods[walked[3].lookupAddress] = method("Throws", 2)
    names.methods[walked[4].lookupAddress] = method("Run", 1)
    names.methods[walked[5].lookupAddress] = method("Main", 3)
    let found = frames(builder(names), walked)
    #expect(found.map(\.plumbing) == [nil, nil, true, true, true, nil])
    // Another method's frame is not this block's owner, nor is another block of the method.
    names.methods[walked[4].lookupAddress] = method("Run", 9)
    #expect(frames(builder(names), walked).map(\.plumbing) == [nil, nil, true, nil, nil, nil])
    names.methods[walked[4].lookupAddress] = method("Run", 1, isHandler: true)
    #expect(frames(builder(names), walked).map(\.plumbing) == [nil, nil, true, nil, nil, nil])
    names.methods[walked[5].lookupAddress] = method("Run", 1)
    #expect(frames(builder(names), walked).map(\.plumbing) == [nil, nil, true, true, true, true])
  }
}
