import TestSupport
import Testing

@testable import DotNet

/// What goes between worker and inspector. The inspector has foreign code in it, so whatever it says, nothing
/// may trap (a trap ends the test run), and what is believed stays within limits.
@Suite struct WireTests {
  private func written(_ body: (inout WireWriter) -> Void) -> [UInt8] {
    var writer = WireWriter()
    body(&writer)
    return writer.bytes
  }

  // MARK: Samples

  private static let thread: ManagedThread = {
    var thread = ManagedThread(id: 4711, managedID: 3)
    (thread.exceptionTable, thread.isCutShort) = (0x7f00_1234_5678, true)
    thread.nativeCalls = [
      ManagedThread.NativeCall(address: .max, method: 1),
      ManagedThread.NativeCall(address: 0, method: .max),
    ]
    return thread
  }()

  private static func exception(depth: Int, width: Int = 1) -> ExceptionFacts {
    var facts = ExceptionFacts(type: "Shop.E\(depth)", message: "", hresult: 0x8013_1509)
    facts.message = depth % 2 == 0 ? "no price\nfor \u{FFFD}" : ""
    facts.messageLeftOut = depth
    facts.entries = [
      ExceptionFacts.Entry(lookupAddress: 1, ip: 2, sp: .max, method: 0),
      ExceptionFacts.Entry(lookupAddress: .max, ip: .max, sp: 0, method: 7),
    ]
    facts.entriesLeftOut = 5
    facts.earlierTrace = "   at A.B() in a.cs:line 3"
    facts.isCutShort = depth == 0
    if depth > 0 {
      facts.inner = (0..<width).map { _ in exception(depth: depth - 1, width: 1) }
    }
    return facts
  }

  private static let method: ManagedMethod = {
    var method = ManagedMethod(kind: .dynamic, name: "Shop.Basket`1[[System.__Canon]].Fold()")
    method.start = 0x7f00_0000_0010
    method.method = .max
    method.module = 8
    method.token = 0x0600_0001
    method.ilOffset = 0
    return method
  }()

  private static let module: ManagedModule = {
    var module = ManagedModule()
    module.path = "/srv/shop/Shop.dll"
    module.mvid = Array(1...16)
    module.isDynamic = true
    module.image = 0x7f00_0000_0000
    module.imageSize = 0x1000
    module.metadata = .max
    module.metadataSize = 9
    module.pdb = 10
    module.pdbSize = 11
    return module
  }()

  /// Everything that can be said, and how it is read.
  private enum Kind: CaseIterable {
    case threads, exception, failFast, method, module

    func read(_ bytes: [UInt8]) throws {
      var reader = WireReader(bytes[...])
      switch self {
      case .threads: _ = try reader.threads()
      case .exception: check(try reader.exception())
      case .failFast:
        let call = try reader.failFast()
        #expect(
          (call.message ?? "").utf16.count <= 3 * ExceptionLimits.message
            && call.messageLeftOut >= 0)
        if let exception = call.exception { check(exception) }
      case .method:
        let method = try reader.method()
        #expect(!method.name.isEmpty && method.name.utf16.count <= 3 * WireLimits.name)
        #expect(method.ilOffset ?? 0 >= 0)
      case .module:
        let module = try reader.module()
        #expect(module.path.utf16.count <= 3 * WireLimits.name)
        #expect([0, 16].contains(module.mvid.count))
        #expect(module.image &+ module.imageSize >= module.image)
      }
    }

    private func check(_ exception: ExceptionFacts) {
      let all = WireTests.all(exception)
      #expect(all.count <= ExceptionLimits.count)
      for one in all {
        #expect(!one.type.isEmpty && one.entries.count <= 2 * ExceptionLimits.entries)
        #expect(one.messageLeftOut >= 0 && one.entriesLeftOut >= 0)
      }
    }

    var sample: [UInt8] {
      var writer = WireWriter()
      switch self {
      case .threads: writer.put([thread, ManagedThread(id: 1, managedID: 0)]) { $0.put($1) }
      case .exception: writer.put(WireTests.exception(depth: 3, width: 2))
      case .failFast:
        var call = FailFastFacts()
        call.message = "over"
        call.exception = WireTests.exception(depth: 1)
        writer.put(call)
      case .method: writer.put(WireTests.method)
      case .module: writer.put(WireTests.module)
      }
      return writer.bytes
    }
  }

  private static func all(_ exception: ExceptionFacts) -> [ExceptionFacts] {
    [exception] + exception.inner.flatMap(all)
  }

  // MARK: Round trips

  @Test func threads() throws {
    let threads = [Self.thread, ManagedThread(id: .max, managedID: Int(Int32.max))]
    let bytes = written { $0.put(threads) { $0.put($1) } }
    var reader = WireReader(bytes[...])
    #expect(try reader.threads() == threads)
  }

  @Test func exceptions() throws {
    for (depth, width) in [(0, 1), (1, 5), (ExceptionLimits.depth, 1)] {
      let exception = Self.exception(depth: depth, width: width)
      let bytes = written { $0.put(exception) }
      var reader = WireReader(bytes[...])
      #expect(try reader.exception() == exception)
    }
  }

  @Test func failFast() throws {
    var calls = [FailFastFacts(), FailFastFacts(), FailFastFacts()]
    calls[1].message = ""
    calls[2].message = "over"
    calls[2].messageLeftOut = 77
    calls[2].exception = Self.exception(depth: 2)
    for call in calls {
      let bytes = written { $0.put(call) }
      var reader = WireReader(bytes[...])
      #expect(try reader.failFast() == call)
    }
  }

  @Test func methods() throws {
    var other = ManagedMethod(kind: .stub, name: "x")
    other.ilOffset = Int(UInt32.max)
    for method in [Self.method, ManagedMethod(kind: .method, name: "é"), other] {
      let bytes = written { $0.put(method) }
      var reader = WireReader(bytes[...])
      #expect(try reader.method() == method)
    }
  }

  @Test func modules() throws {
    for module in [Self.module, ManagedModule()] {
      let bytes = written { $0.put(module) }
      var reader = WireReader(bytes[...])
      #expect(try reader.module() == module)
    }
  }

  /// What the DAC's side gives at most is believed.
  @Test func theLargestThatIsHonest() throws {
    var exception = Self.exception(depth: 0)
    exception.message = String(repeating: "\u{FFFD}", count: ExceptionLimits.message)
    exception.earlierTrace = exception.message
    exception.entries = Array(
      repeating: exception.entries[0], count: 2 * ExceptionLimits.entries)
    var outer = Self.exception(depth: 0)
    outer.inner = Array(repeating: exception, count: 10)
    let bytes = written { $0.put(outer) }
    var reader = WireReader(bytes[...])
    #expect(try reader.exception() == outer)
  }

  // MARK: Damage

  @Test(arguments: [0, 1, 2, 3, 4]) func anEndAnywhereIsNoticed(_ index: Int) throws {
    let kind = Kind.allCases[index]
    let whole = kind.sample
    try kind.read(whole)
    for count in 0..<whole.count {
      #expect(throws: WireReader.Damaged.self) { try kind.read(Array(whole[..<count])) }
    }
  }

  @Test(.timeLimit(.minutes(5)), arguments: [0, 1, 2, 3, 4])
  func nothingThatIsSaidDoesHarm(_ index: Int) {
    let kind = Kind.allCases[index]
    let whole = kind.sample
    var random = Xorshift(seed: 20_260 + UInt64(index))
    var (believed, refused) = (0, 0)
    for _ in 0..<20_000 {
      var bytes = whole
      for _ in 0..<(1 + random.next() % 4) {
        let at = Int(random.next() % UInt64(bytes.count))
        switch random.next() % 4 {
        case 0: bytes[at] = UInt8(truncatingIfNeeded: random.next())
        case 1: bytes[at] ^= 1 << UInt8(random.next() % 8)
        case 2: bytes.removeSubrange(at..<min(bytes.count, at + 8))
        // A count or a length that is at the edge of what can be.
        default:
          let edges: [UInt64] = [.max, 1 << 63, 1 << 62, 1 << 32, 0x7fff_ffff, 0, 1, 1000]
          let edge = edges[Int(random.next() % UInt64(edges.count))]
          let start = at & ~7
          for place in 0..<8 where start + place < bytes.count {
            bytes[start + place] = UInt8(truncatingIfNeeded: edge >> UInt64(8 * place))
          }
        }
        if bytes.isEmpty { bytes = whole }
      }
      do {
        try kind.read(bytes)
        believed += 1
      } catch {
        refused += 1
      }
    }
    #expect(believed > 100 && refused > 100, "\(believed) and \(refused)")
  }

  // MARK: Bombs

  /// Each a bomb of many megabytes that is well-formed but for its size.
  @Test(.timeLimit(.minutes(5))) func sizeIsLimited() {
    // Nested deeper than any chain: 32 MB of it.
    let one = written { writer in
      var facts = Self.exception(depth: 0)
      (facts.entries, facts.earlierTrace, facts.message) = ([], "", "")
      writer.put(facts)
    }
    // It ends with a count of inner ones: 1 instead of 0.
    let link = Array(one.dropLast(8)) + [1, 0, 0, 0, 0, 0, 0, 0]
    let levels = (32 << 20) / link.count
    var chain: [UInt8] = []
    chain.reserveCapacity(levels * link.count)
    for _ in 0..<levels { chain += link }
    #expect(throws: WireReader.Damaged.self) { try Kind.exception.read(chain + one) }

    // As many siblings.
    var siblings = Array(one.dropLast(8))
    withUnsafeBytes(of: UInt64(levels).littleEndian) { siblings += $0 }
    for _ in 0..<levels { siblings += one }
    #expect(throws: WireReader.Damaged.self) { try Kind.exception.read(siblings) }

    // A name, a message and a list of threads.
    let long = String(repeating: "x", count: 8 << 20)
    let name = written { $0.put(ManagedMethod(kind: .method, name: long)) }
    #expect(throws: WireReader.Damaged.self) { try Kind.method.read(name) }
    let message = written { $0.put(ExceptionFacts(type: "E", message: long, hresult: 0)) }
    #expect(throws: WireReader.Damaged.self) { try Kind.exception.read(message) }
    let threads = written { writer in
      writer.put(Array(repeating: Self.thread, count: WireLimits.threads + 1)) { $0.put($1) }
    }
    #expect(throws: WireReader.Damaged.self) { try Kind.threads.read(threads) }
  }

  /// Values that a report cannot have.
  @Test func valuesAreLimited() {
    let nameless = written { $0.put(ManagedMethod(kind: .method, name: "")) }
    #expect(throws: WireReader.Damaged.self) { try Kind.method.read(nameless) }
    let typeless = written { $0.put(ExceptionFacts(type: "", message: "", hresult: 0)) }
    #expect(throws: WireReader.Damaged.self) { try Kind.exception.read(typeless) }
    let negative = written { writer in
      writer.put([ManagedThread(id: -1, managedID: 0)]) { $0.put($1) }
    }
    #expect(throws: WireReader.Damaged.self) { try Kind.threads.read(negative) }
    var module = Self.module
    (module.image, module.imageSize) = (.max, 2)
    let wrapping = written { $0.put(module) }
    #expect(throws: WireReader.Damaged.self) { try Kind.module.read(wrapping) }
    module = Self.module
    module.mvid = [1, 2]
    let short = written { $0.put(module) }
    #expect(throws: WireReader.Damaged.self) { try Kind.module.read(short) }
  }

  // MARK: The worker's side

  /// An inspector that answers anything to any question is asked no more than it must be, and knows nothing.
  @Test func answersThatAreNone() {
    var answers: [[UInt8]?] = [nil, [], [1], Array(repeating: 0xff, count: 4096)]
    answers.append(Array(repeating: 0, count: 4096))
    for answer in answers {
      var asked = 0
      let inspector = Inspector { _ in
        asked += 1
        return answer
      }
      #expect(inspector.threads(crashed: 4711).isEmpty)
      #expect(inspector.exception(thread: 1) == nil)
      #expect(inspector.method(at: 1) == nil)
      #expect(inspector.method(at: 1) == nil)
      #expect(inspector.method(descriptor: 1) == nil)
      #expect(asked == 4)
    }
  }

  /// A method without code of its own does not tell where its module's file is; one with code does.
  @Test func theFirstMethodWithCodeTellsThePath() {
    var asked = 0
    let inspector = Inspector { question in
      asked += 1
      // The kind, the module, and an address of code.
      let hasCode = question[16..<24].contains { $0 != 0 }
      var module = Self.module
      if !hasCode { module.path = "" }
      return self.written { $0.put(module) }
    }
    var bare = ManagedMethod(kind: .method, name: "Extern")
    bare.module = 8
    #expect(inspector.module(of: bare)?.path == "")
    #expect(inspector.module(of: Self.method)?.path == "/srv/shop/Shop.dll")
    #expect(inspector.module(of: bare)?.path == "/srv/shop/Shop.dll")
    #expect(asked == 2)
  }
}
