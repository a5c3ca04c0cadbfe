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
  mutating func addUnwindTables(outermost: String? = nil) {
    var builder = UnwindTableBuilder(at: Self.code + 0x10_0000)
    for (index, name) in Self.functions.enumerated() {
      builder.add(
        start: Self.code + UInt64(index * 256), size: 256, hasReturnAddress: name != outermost)
    }
    let bytes = builder.bytes
    memory.regions.append((builder.base, bytes))
    let data = Mapping(
      start: builder.base, end: builder.base + 0x4000, permissions: "r--p", offset: 0x10_0000,
      device: "08:01", inode: 1, path: "/synthetic")
    mappings.insert(data, at: 1)
    images = [
      Image(
        kind: .elf, path: "/synthetic", base: Self.code, end: data.end,
        mappings: [mappings[0], data],
        segments: [
          ElfSegment(
            type: ElfSegment.exceptionFrameHeader, flags: 4, offset: 0, address: builder.base,
            fileSize: UInt64(bytes.count), memorySize: UInt64(bytes.count))
        ])
    ]
  }

  /// The address of a labelled word.
  subscript(label: String) -> UInt64 { labels[label]! }

  func walk(
    _ limits: WalkLimits = WalkLimits(), isPastDeadline: () -> Bool = { false }
  ) -> Walk {
    Unwinder(memory: memory, images: ImageTable(images), mappings: MappingTable(mappings))
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

/// .eh_frame_hdr and .eh_frame as a linker writes them (LSB, Exception Frames; DWARF 4, 7.23).
struct UnwindTableBuilder {
  let base: UInt64
  private var functions: [(start: UInt64, size: UInt32, hasReturnAddress: Bool)] = []

  init(at base: UInt64) { self.base = base }

  mutating func add(start: UInt64, size: UInt32, hasReturnAddress: Bool) {
    functions.append((start, size, hasReturnAddress))
  }

  var bytes: [UInt8] {
    let frames = base + UInt64((12 + functions.count * 8 + 7) & ~7)
    var section = commonInformation(hasReturnAddress: true)
    let second = section.count
    section += commonInformation(hasReturnAddress: false)
    var table: [UInt8] = []
    for function in functions {
      let at = frames + UInt64(section.count)
      let owner = function.hasReturnAddress ? 0 : second
      table += littleEndian(Int32(Int64(function.start) - Int64(base)))
      table += littleEndian(Int32(at - base))
      section += littleEndian(UInt32(20)) + littleEndian(UInt32(section.count + 4 - owner))
      section += littleEndian(Int32(Int64(function.start) - Int64(at + 8)))
      section += littleEndian(function.size) + [0, 0, 0, 0, 0, 0, 0, 0]
    }
    section += littleEndian(UInt32(0))
    // Version; the encodings of pointer, count and table.
    var header: [UInt8] = [1, 0x1b, 0x03, 0x3b]
    header += littleEndian(Int32(Int64(frames) - Int64(base + 4)))
    header += littleEndian(UInt32(functions.count)) + table
    header += [UInt8](repeating: 0, count: Int(frames - base) - header.count)
    return header + section
  }

  /// CFA = rbp + 16, the caller's rbp at CFA-16, and the return address at CFA-8 or nowhere.
  private func commonInformation(hasReturnAddress: Bool) -> [UInt8] {
    var body: [UInt8] = littleEndian(UInt32(0)) + [1] + Array("zR\0".utf8) + [1, 0x78, 16, 1, 0x1b]
    body += [0x0c, 6, 16, 0x86, 2] + (hasReturnAddress ? [0x90, 1] : [0x07, 16])
    while (body.count + 4) % 8 != 0 { body.append(0) }
    return littleEndian(UInt32(body.count)) + body
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
