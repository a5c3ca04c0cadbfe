import Memory
import TestSupport
import Testing

@testable import Unwinding

/// One word of a synthetic stack, lowest address first: a test's stack reads like a diagram.
enum Word {
  case value(UInt64)
  /// A saved frame pointer, itself at `label`, that points to the word labelled `to`; nil for 0.
  case frame(_ label: String, to: String?)
  /// A return address into the function of this name: the byte after a call.
  case returnTo(String)
  /// The address of a labelled word, as data.
  case address(of: String)
  /// What the kernel leaves for a signal handler's trampoline: ucontext and siginfo.
  case signalContext(RegisterSet, number: Int32, code: Int32, address: UInt64)

  static let junk = Word.value(0xdead_beef)
}

/// A program that never ran: functions without bodies, a stack, registers.
struct Scene {
  static let code: UInt64 = 0x40_0000
  static let codeSize = 0x8000
  static let stack: UInt64 = 0x7fff_0000_0000
  static let otherStack: UInt64 = 0x7000_0000_0000

  /// Functions by name; each is 256 bytes of code that contain a call.
  static let functions = ["leaf", "inner", "middle", "outer", "handler", "main", "start"]
  /// Where a signal handler returns to.
  static let trampoline = code + 0x7000

  var registers = RegisterSet()
  private var memory: RegionMemory
  private var mappings: [Mapping]
  private var labels: [String: UInt64] = [:]
  private var images: [Image] = []
  private var sections: UnwindSections?

  /// Where the unwind information is, and how it can be found.
  enum Tables: CaseIterable {
    /// .eh_frame_hdr with a table.
    case header
    /// .eh_frame_hdr whose table has 8-byte offsets: libunwind would abort.
    case oddHeader
    /// .eh_frame_hdr that leads to .eh_frame, without a table.
    case headerOnly
    /// .eh_frame, of which only the file knows.
    case section
    /// .debug_frame.
    case debugFrames
  }

  /// - Parameters:
  ///   - words: the stack, from its lowest word, which is at the stack pointer, to its end.
  ///   - other: a second stack at a lower address.
  ///   - at: the function in which it stands.
  ///   - framePointer: the label that rbp points to; nil for 0.
  init(
    _ words: [Word], other: [Word] = [], at function: String = "leaf", framePointer: String? = nil
  ) {
    var text = [UInt8](repeating: 0x90, count: Self.codeSize)
    for index in Self.functions.indices {
      text.replaceSubrange(index * 256 + 16..<index * 256 + 21, with: [0xe8, 1, 2, 3, 4])
    }
    let trampoline: [UInt8] = [0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05]
    text.replaceSubrange(0x7000..<0x7009, with: trampoline)
    memory = RegionMemory((Self.code, text))
    mappings = [
      Mapping(
        start: Self.code, end: Self.code + UInt64(Self.codeSize), permissions: "r-xp",
        device: "08:01", inode: 1, path: "/synthetic")
    ]
    for (start, words) in [(Self.otherStack, other), (Self.stack, words)] where !words.isEmpty {
      note(words, at: start)
    }
    for (start, words) in [(Self.otherStack, other), (Self.stack, words)] where !words.isEmpty {
      let bytes = words.flatMap { encode($0) }
      memory.regions.append((start, bytes))
      mappings.append(
        Mapping(
          start: start, end: (start + UInt64(bytes.count) + 0xfff) & ~0xfff, permissions: "rw-p",
          path: "[stack]"))
    }
    registers.rip = Self.site(function)
    registers.rsp = Self.stack
    registers.rbp = framePointer.map { self.labels[$0]! } ?? 0
  }

  /// The address after the call inside a function.
  static func site(_ function: String) -> UInt64 {
    code + UInt64(functions.firstIndex(of: function)! * 256 + 21)
  }

  /// Gives every function unwind information: the caller's frame is where rbp says, and `outermost` has
  /// no return address.
  ///
  /// - Parameters:
  ///   - rules: instructions in place of the usual ones.
  ///   - bias: what was added to the file's addresses.
  mutating func addUnwindTables(
    outermost: String? = nil, _ tables: Tables = .header, rules: [UInt8]? = nil, bias: UInt64 = 0
  ) {
    var builder = UnwindTableBuilder(at: Self.code + 0x10_0000)
    builder.rules = rules
    for (index, name) in Self.functions.enumerated() {
      builder.add(
        start: Self.code + UInt64(index * 256), size: 256, hasReturnAddress: name != outermost)
    }
    var bytes = builder.bytes
    switch tables {
    case .oddHeader: bytes[3] = 0x3c
    case .headerOnly: bytes.replaceSubrange(2..<4, with: [0xff, 0xff])
    default: break
    }
    if tables == .debugFrames { bytes = [0] }
    let frames = builder.frames - bias
    let section = builder.debugFrames(bias: bias)
    sections = UnwindSections(
      exceptionFrames: { _ in
        tables == .section ? frames..<frames + UInt64(builder.section.bytes.count) : nil
      },
      debugFrames: { _ in tables == .debugFrames ? section : nil })
    memory.regions.append((builder.base, bytes))
    let data = Mapping(
      start: builder.base, end: builder.base + 0x4000, permissions: "r--p", offset: 0x10_0000,
      device: "08:01", inode: 1, path: "/synthetic")
    mappings.insert(data, at: 1)
    images = [
      Image(
        kind: .elf, path: "/synthetic", base: Self.code, end: data.end, loadBias: bias,
        mappings: [mappings[0], data],
        segments: tables == .section
          ? []
          : [
            ElfSegment(
              type: ElfSegment.exceptionFrameHeader, flags: 4, offset: 0,
              address: builder.base - bias, fileSize: UInt64(bytes.count),
              memorySize: UInt64(bytes.count))
          ])
    ]
  }

  /// The address of a labelled word.
  subscript(label: String) -> UInt64 { labels[label]! }

  func walk(
    _ limits: WalkLimits = WalkLimits(), isPastDeadline: () -> Bool = { false }
  ) -> Walk {
    Unwinder(
      memory: memory, images: ImageTable(images), mappings: MappingTable(mappings),
      sections: sections
    )
    .walk(from: registers, limits: limits, isPastDeadline: isPastDeadline)
  }

  // MARK: Laying out

  private static let contextSize = 304 + 128

  private func size(_ word: Word) -> Int {
    if case .signalContext = word { Self.contextSize } else { 8 }
  }

  private mutating func note(_ words: [Word], at start: UInt64) {
    var at = start
    for word in words {
      if case .frame(let label, _) = word { labels[label] = at }
      at += UInt64(size(word))
    }
  }

  private func encode(_ word: Word) -> [UInt8] {
    switch word {
    case .value(let value): littleEndian(value)
    case .frame(_, let to): littleEndian(to.map { labels[$0]! } ?? 0)
    case .returnTo("trampoline"): littleEndian(Self.trampoline)
    case .returnTo(let function): littleEndian(Self.site(function))
    case .address(let label): littleEndian(labels[label]!)
    case .signalContext(let registers, let number, let code, let address):
      context(registers, number: number, code: code, address: address)
    }
  }

  /// asm/ucontext.h, asm/sigcontext.h, asm-generic/siginfo.h.
  private func context(
    _ saved: RegisterSet, number: Int32, code: Int32, address: UInt64
  ) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: Self.contextSize)
    func put(_ value: some FixedWidthInteger, at offset: Int) {
      let raw = littleEndian(value)
      bytes.replaceSubrange(offset..<offset + raw.count, with: raw)
    }
    // The alternate stack: address, flags, size.
    put(Self.otherStack, at: 16)
    put(Int32(0), at: 24)
    put(UInt64(0x2000), at: 32)
    let general = [
      saved.r8, saved.r9, saved.r10, saved.r11, saved.r12, saved.r13, saved.r14, saved.r15,
      saved.rdi, saved.rsi, saved.rbp, saved.rbx, saved.rdx, saved.rax, saved.rcx, saved.rsp,
      saved.rip, saved.rflags, 0, 6, 14,
    ]
    for (index, value) in general.enumerated() { put(value, at: 40 + index * 8) }
    put(number, at: 304)
    put(code, at: 312)
    put(address, at: 320)
    return bytes
  }
}

extension Walk {
  /// `leaf inner main`: the functions of the frames, innermost first.
  var story: String {
    steps.map { step in
      if step.isSignalTrampoline { return "trampoline" }
      let index = (step.ip &- Scene.code) / 256
      return index < UInt64(Scene.functions.count)
        ? Scene.functions[Int(index)] : "0x" + String(step.ip, radix: 16)
    }.joined(separator: " ")
  }
}
