import Report

/// A report as rules look at it.
struct CrashScene {
  let report: Report
  /// The crashed thread, which is the first; nil in a report of a live process.
  let thread: ThreadRecord?

  init(_ report: Report) {
    self.report = report
    thread = report.threads.first.flatMap { $0.crashed ? $0 : nil }
  }

  var crash: Crash { report.crash }
  var signal: SignalRecord? { crash.signal }
  var process: ProcessRecord { report.process }

  /// A fault that the kernel raised.
  func isFault(_ number: Int, code: Int? = nil) -> Bool {
    signal?.number == number && signal?.origin == .kernel && (code == nil || signal?.code == code)
  }

  /// Where a page fault went to.
  var faultAddress: UInt64? { signal?.origin == .kernel ? signal?.address?.value : nil }

  /// True when the processor was to fetch an instruction where there is none to be had.
  var isFetch: Bool {
    guard isFault(SignalNumber.segv), let address = faultAddress, let frame = thread?.frames.first
    else { return false }
    return signal?.access == .execute || signal?.access == nil && frame.ip.value == address
  }

  var stackPointer: UInt64? { register(StackRegister.names)?.value.value }

  /// The first register of these names that the crashed thread has.
  func register(_ names: [String]) -> Registers.Entry? {
    thread?.registers?.entries.first { names.contains($0.name) }
  }

  // MARK: Places

  /// The position in the map of the mapping that holds an address.
  func mapping(containing address: UInt64) -> Int? {
    report.memoryMap.firstIndex { $0.start.value <= address && address < $0.end.value }
  }

  /// The mapping that ends closest below an address which is in none.
  func mapping(below address: UInt64) -> Int? {
    report.memoryMap.lastIndex { $0.end.value <= address }
  }

  func mapping(above address: UInt64) -> Int? {
    report.memoryMap.firstIndex { $0.start.value > address }
  }

  func path(ofMapping index: Int) -> String {
    let map = report.memoryMap[index]
    return map.path.map { $0.isEmpty ? "anonymous memory" : $0 } ?? "anonymous memory"
  }

  /// `crash_write (libcrash.so)`: where a frame is, for a sentence.
  func words(_ index: Int) -> String? {
    guard let frames = thread?.frames, frames.indices.contains(index) else { return nil }
    return words(frames[index])
  }

  /// ` in crash_write (libcrash.so)`: where it happened, to follow a verb; of libc's code also who called it.
  var place: String {
    guard let frames = thread?.frames, let first = words(0) else { return "" }
    guard frames.first.map(isLibrary) == true,
      let caller = frames.prefix(16).first(where: { !isLibrary($0) && words($0) != nil })
    else { return " in \(first)" }
    return " in \(first), called from \(words(caller) ?? "")"
  }

  /// True for code of the C, C++ and Rust libraries, inlined into the program or not: whatever went wrong there, the
  /// caller has to do with it.
  func isLibrary(_ frame: Frame) -> Bool {
    let function = frame.function ?? ""
    if ["std::", "core::", "alloc::", "__rustc::", "<core::", "<alloc::", "<std::"].contains(
      where: {
        function.hasPrefix($0)
      })
    {
      return true
    }
    let file = file(of: frame) ?? ""
    return ["libc.so", "libc.so.6", "libm.so.6", "libgcc_s.so.1", "libc++.so.1", "libc++abi.so.1"]
      .contains(file) || file.hasPrefix("libstdc++.so") || file.hasPrefix("ld-musl")
      || file.hasPrefix("libc.musl")
  }

  /// Eight bytes of the memory that the report holds.
  func word(at address: UInt64) -> UInt64? {
    for record in report.memory {
      let start = record.address.value
      let digits = Array(record.bytes.utf8)
      guard address >= start, address - start <= UInt64(digits.count / 2),
        digits.count / 2 - Int(address - start) >= 8
      else { continue }
      let offset = 2 * Int(address - start)
      var value: UInt64 = 0
      for byte in stride(from: offset + 14, through: offset, by: -2) {
        guard
          let part = UInt8(String(decoding: digits[byte..<(byte + 2)], as: UTF8.self), radix: 16)
        else { return nil }
        value = value << 8 | UInt64(part)
      }
      return value
    }
    return nil
  }

  /// The name of the file that a frame's code is in.
  func file(of frame: Frame) -> String? {
    let module = frame.module.flatMap {
      report.modules.indices.contains($0) ? report.modules[$0] : nil
    }
    return module.flatMap { $0.path.split(separator: "/").last.map(String.init) }
  }

  func words(_ frame: Frame) -> String? {
    let file = file(of: frame)
    let place = ExceptionWords.fileAndLine(frame) ?? file
    if let function = frame.function { return place.map { "\(function) (\($0))" } ?? function }
    guard let file, let offset = frame.moduleOffset else { return nil }
    return "\(file)+\(offset)"
  }

  /// The position of the first frame of which this is the function.
  func frame(named names: Set<String>, atMost count: Int = 24) -> Int? {
    thread?.frames.prefix(count).firstIndex { frame in
      [frame.function, frame.rawFunction].contains { $0.map(names.contains) ?? false }
    }
  }

  /// The operand through which the faulting instruction went to `address`.
  func operand(at address: UInt64) -> (index: Int, operand: InstructionRecord.Operand)? {
    guard let operands = crash.instruction?.operands else { return nil }
    return operands.enumerated().first { $1.address?.value == address }.map {
      ($0.offset, $0.element)
    }
  }

  // MARK: Evidence

  /// Those of `pointers` that lead to something, of the parts that may be missing.
  func evidence(_ pointers: String?...) -> [String] {
    pointers.compactMap(\.self).filter { pointer in
      switch pointer {
      case Self.instruction: crash.instruction != nil
      case Self.address: signal?.address != nil
      case Self.signalPointer: signal != nil
      case Self.firstFrame: thread?.frames.isEmpty == false
      case Self.stack: thread?.stack != nil
      default: true
      }
    }
  }

  static let instruction = "/crash/instruction"
  static let signalPointer = "/crash/signal"
  static let address = "/crash/signal/address"
  static let firstFrame = "/threads/0/frames/0"
  static let stack = "/threads/0/stack"
  static func frame(_ index: Int) -> String { "/threads/0/frames/\(index)" }
  static func register(_ name: String) -> String { "/threads/0/registers/\(name)" }
  static func mapping(_ index: Int) -> String { "/memory_map/\(index)" }
  static func operand(_ index: Int) -> String { "/crash/instruction/operands/\(index)" }
}

/// Numbers that are the same on every architecture of Linux but for MIPS, SPARC and Alpha (signal(7)).
enum SignalNumber {
  static let (ill, trap, abrt, bus, fpe, segv, sys) = (4, 5, 6, 7, 8, 11, 31)
}

/// si_code (asm-generic/siginfo.h).
enum SignalCode {
  static let (mapError, accessError) = (1, 2)
  static let fromKernel = 128
  static let threadKill = -6
}

enum StackRegister {
  /// On x86-64 and arm64.
  static let names = ["rsp", "sp"]
}

/// Sizes as people say them.
enum Amount {
  /// `8 MiB`, `64 KiB`, `120 bytes`; what is not exact with a tenth: `about 7.9 MiB`.
  static func bytes(_ count: UInt64) -> String {
    for (unit, name) in [(UInt64(1) << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")]
    where count >= unit {
      if count % unit == 0 { return "\(count / unit) \(name)" }
      let tenths = count / unit * 10 + (count % unit * 10 + unit / 2) / unit
      let (whole, rest) = (tenths / 10, tenths % 10)
      return rest == 0 ? "about \(whole) \(name)" : "about \(whole).\(rest) \(name)"
    }
    return count == 1 ? "1 byte" : "\(count) bytes"
  }
}
