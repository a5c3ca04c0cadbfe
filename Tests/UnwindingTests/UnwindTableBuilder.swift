import TestSupport

/// .eh_frame_hdr and .eh_frame as a linker writes them (LSB, Exception Frames; DWARF 4, 7.23), and the same
/// information as .debug_frame.
struct UnwindTableBuilder {
  let base: UInt64
  /// Instructions in place of "the caller's frame is where rbp says".
  var rules: [UInt8]?
  private var functions: [(start: UInt64, size: UInt32, hasReturnAddress: Bool)] = []

  init(at base: UInt64) { self.base = base }

  mutating func add(start: UInt64, size: UInt32, hasReturnAddress: Bool) {
    functions.append((start, size, hasReturnAddress))
  }

  /// The address of .eh_frame.
  var frames: UInt64 { base + UInt64((12 + functions.count * 8 + 7) & ~7) }

  /// Both sections.
  var bytes: [UInt8] {
    let section = section
    // Version; the encodings of pointer, count and table.
    var header: [UInt8] = [1, 0x1b, 0x03, 0x3b]
    header += littleEndian(Int32(Int64(frames) - Int64(base + 4)))
    header += littleEndian(UInt32(functions.count)) + section.table
    header += [UInt8](repeating: 0, count: Int(frames - base) - header.count)
    return header + section.bytes
  }

  /// .eh_frame, and the table that leads to it.
  var section: (bytes: [UInt8], table: [UInt8]) {
    var section = commonInformation(hasReturnAddress: true)
    let second = section.count
    section += commonInformation(hasReturnAddress: false)
    var table: [UInt8] = []
    for function in functions {
      let at = frames + UInt64(section.count)
      let owner = function.hasReturnAddress ? 0 : second
      table += littleEndian(Int32(Int64(function.start) - Int64(base)))
      table += littleEndian(Int32(Int64(at) - Int64(base)))
      section += littleEndian(UInt32(20)) + littleEndian(UInt32(section.count + 4 - owner))
      section += littleEndian(Int32(Int64(function.start) - Int64(at + 8)))
      section += littleEndian(function.size) + [0, 0, 0, 0, 0, 0, 0, 0]
    }
    return (section + littleEndian(UInt32(0)), table)
  }

  /// .debug_frame: absolute addresses, those of the file, and CIEs of version 4.
  func debugFrames(bias: UInt64 = 0, version: UInt8 = 4, is64: Bool = false) -> [UInt8] {
    func word(_ value: Int) -> [UInt8] {
      is64 ? littleEndian(Int64(value)) : littleEndian(Int32(value))
    }
    func entry(_ body: [UInt8]) -> [UInt8] {
      let padded = body + [UInt8](repeating: 0, count: (8 - body.count % 8) % 8)
      return (is64 ? littleEndian(UInt32.max) : []) + word(padded.count) + padded
    }
    func common(_ hasReturnAddress: Bool) -> [UInt8] {
      let sizes: [UInt8] = version == 4 ? [8, 0] : []
      return entry(
        word(-1) + [version, 0] + sizes + [1, 0x78, 16] + instructions(hasReturnAddress))
    }
    var section = common(true)
    let second = section.count
    section += common(false)
    for function in functions {
      section += entry(
        word(function.hasReturnAddress ? 0 : second) + littleEndian(function.start - bias)
          + littleEndian(UInt64(function.size)))
    }
    return section
  }

  private func commonInformation(hasReturnAddress: Bool) -> [UInt8] {
    var body: [UInt8] = littleEndian(UInt32(0)) + [1] + Array("zR\0".utf8) + [1, 0x78, 16, 1, 0x1b]
    body += instructions(hasReturnAddress)
    while (body.count + 4) % 8 != 0 { body.append(0) }
    return littleEndian(UInt32(body.count)) + body
  }

  /// CFA = rbp + 16, the caller's rbp at CFA-16, and the return address at CFA-8 or nowhere.
  private func instructions(_ hasReturnAddress: Bool) -> [UInt8] {
    rules ?? [0x0c, 6, 16, 0x86, 2] + (hasReturnAddress ? [0x90, 1] : [0x07, 16])
  }
}
