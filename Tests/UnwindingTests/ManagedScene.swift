import Memory
import TestSupport

@testable import Unwinding

/// UNWIND_INFO as a compiler writes it (Microsoft, "x64 exception handling"; operation 11 is the .NET
/// runtime's, `UWOP_SET_FPREG_LARGE` in its clrnt.h).
struct UnwindInfo {
  enum Operation {
    case push(Int)
    case allocate(Int)
    /// The frame register points this many bytes above the stack pointer.
    case setFrame(Int)
    case setLargeFrame(Int)
    case save(Int, at: Int)
    case saveFar(Int, at: Int)
    case saveVector(Int, at: Int)
    case saveVectorFar(Int, at: Int)
    case pushMachineFrame
    case raw(UInt8, slots: Int)
  }

  var version: UInt8 = 1
  var flags: UInt8 = 0
  var prologSize: UInt8 = 0
  var frameRegister: UInt8 = 0
  var frameOffset: UInt8 = 0
  /// In the order of the prolog, each with the offset at which its instruction ends.
  var operations: [(offset: UInt8, operation: Operation)] = []
  /// The function that this is a part of: start, end and information, relative to the base.
  var parent: (UInt32, UInt32, UInt32)?
  /// In place of the true number of slots.
  var claimedSlots: UInt8?

  init(_ operations: (UInt8, Operation)...) {
    self.operations = operations.map { ($0.0, $0.1) }
    prologSize = operations.map(\.0).max() ?? 0
  }

  var bytes: [UInt8] {
    // The last operation of the prolog comes first.
    let slots = operations.reversed().flatMap { encode($0.offset, $0.operation) }
    let count = claimedSlots ?? UInt8(slots.count / 2)
    let chained: UInt8 = parent == nil ? 0 : 4
    var bytes =
      [version | (flags | chained) << 3, prologSize, count, frameRegister | frameOffset << 4]
      + slots
    if let parent {
      if bytes.count % 4 != 0 { bytes += [0, 0] }
      bytes += littleEndian(parent.0) + littleEndian(parent.1) + littleEndian(parent.2)
    }
    return bytes
  }

  private func encode(_ at: UInt8, _ operation: Operation) -> [UInt8] {
    func slot(_ code: Int, _ argument: Int) -> [UInt8] { [at, UInt8(code | argument << 4)] }
    func near(_ value: Int) -> [UInt8] { littleEndian(UInt16(value)) }
    func far(_ value: Int) -> [UInt8] { littleEndian(UInt32(value)) }
    switch operation {
    case .push(let register): return slot(0, register)
    case .allocate(let size) where size <= 128: return slot(2, size / 8 - 1)
    case .allocate(let size) where size < 1 << 19: return slot(1, 0) + near(size / 8)
    case .allocate(let size): return slot(1, 1) + far(size)
    case .setFrame: return slot(3, 0)
    case .setLargeFrame(let distance): return slot(11, 0) + far(distance / 16)
    case .save(let register, let offset): return slot(4, register) + near(offset / 8)
    case .saveFar(let register, let offset): return slot(5, register) + far(offset)
    case .saveVector(let register, let offset): return slot(8, register) + near(offset / 16)
    case .saveVectorFar(let register, let offset): return slot(9, register) + far(offset)
    case .pushMachineFrame: return slot(10, 0)
    case .raw(let code, let slots):
      return [at, code] + [UInt8](repeating: 0xee, count: 2 * (slots - 1))
    }
  }
}

/// One function of generated code that is being executed, its stack, and what is told of it.
struct ManagedScene {
  static let base: UInt64 = 0x6000_0000
  static let start = base + 0x100
  static let end = base + 0x200
  static let information = base + 0x800
  static let stack: UInt64 = 0x7fff_0000_0000
  /// A place after a call, in the caller.
  static let caller = base + 0x515

  var memory: RegionMemory
  var registers = RegisterSet()
  var isInterrupted = true

  /// - Parameters:
  ///   - offset: of the instruction in the function.
  ///   - words: the stack from the stack pointer on.
  ///   - code: the instructions from there on.
  init(
    _ info: UnwindInfo, at offset: UInt64 = 0x80, _ words: [UInt64], code: [UInt8] = []
  ) {
    var text = [UInt8](repeating: 0x90, count: 0x600)
    text.replaceSubrange(0x510..<0x515, with: [0xe8, 1, 2, 3, 4])
    let at = 0x100 + Int(offset)
    text.replaceSubrange(at..<at + code.count, with: code)
    memory = RegionMemory(
      (Self.base, text), (Self.information, info.bytes),
      (Self.stack, words.flatMap { littleEndian($0) }))
    registers.rip = Self.start + offset
    registers.rsp = Self.stack
  }

  var rules: ManagedRules {
    ManagedRules(
      base: Self.base, start: Self.start, end: Self.end, information: Self.information)
  }

  mutating func add(_ info: UnwindInfo, at distance: UInt32) {
    memory.regions.append((Self.base + UInt64(distance), info.bytes))
  }

  /// The caller's registers.
  func step() -> RegisterSet? {
    FramePolicy.stepByManagedRules(
      registers, rules, isInterrupted: isInterrupted, memory: memory)
  }

  func walk(_ code: @escaping ManagedCodeFinder) -> Walk {
    let mappings = MappingTable([
      Mapping(start: Self.base, end: Self.base + 0x1000, permissions: "rwxp"),
      Mapping(start: Self.stack, end: Self.stack + 0x1000, permissions: "rw-p"),
    ])
    return Unwinder(
      memory: memory, images: ImageTable([]), mappings: mappings, managedCode: code
    ).walk(from: registers, limits: WalkLimits(head: 64, tail: 8, total: 1000)) { false }
  }
}
