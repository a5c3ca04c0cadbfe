import Report

extension Page {
  /// What a native fault needs first, and other reports only on demand.
  private var showsRegisters: Bool {
    options.registers || report.crash.kind == .nativeFault
  }

  private var faultAddress: HexNumber? {
    // A sent signal keeps its sender where a fault keeps its address.
    report.crash.signal.flatMap { $0.origin == .user ? nil : $0.address }
  }

  mutating func addRegisters() {
    let thread = report.crashedThread ?? report.threads.first
    guard showsRegisters, let thread, let registers = thread.registers?.entries, !registers.isEmpty
    else { return }
    addHeading(
      report.crashedThread == nil
        ? "Registers of thread \(thread.id)" : "Registers at the fault")
    let label = min(10, registers.map(\.name.columns).max() ?? 3)
    let cell = label + 1 + 18 + 3
    let columns = max(1, min(4, (options.width - 2) / cell))
    for start in stride(from: 0, to: registers.count, by: columns) {
      let row = registers[start..<min(start + columns, registers.count)]
      add(
        Line(
          2,
          row.flatMap { entry in
            let pad = String(repeating: " ", count: max(0, label - entry.name.columns) + 1)
            let hit = entry.value == faultAddress
            return [
              Span(.detail, entry.name + pad, together: true, limit: 20),
              Span(hit ? .verdict : .plain, Self.padded(entry.value) + "   ", together: true),
            ]
          }))
    }
    // Two screens of it: the instruction's operands say what matters.
    guard options.registers else { return }
    for record in report.memory.prefix(options.allThreads ? .max : Self.fewPieces) { add(record) }
  }

  private static var fewPieces: Int { 32 }

  /// Sixteen digits, so that columns line up.
  static func padded(_ number: HexNumber) -> String {
    let digits = String(number.value, radix: 16)
    return "0x" + String(repeating: "0", count: max(0, 16 - digits.count)) + digits
  }

  private mutating func add(_ record: MemoryRecord) {
    add(.blank)
    add(Line(2, [Span(.plain, "Memory: "), Span(.plain, record.label, limit: 120)]))
    let bytes = Self.bytes(record.bytes, limit: options.allThreads ? 4096 : 256)
    // Sixteen bytes take 87 columns.
    let width = options.width < 88 ? 8 : 16
    for start in stride(from: 0, to: bytes.count, by: width) {
      let row = bytes[start..<min(start + width, bytes.count)]
      let hex = row.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
      let text = row.map { (0x20...0x7e).contains($0) ? String(UnicodeScalar($0)) : "." }.joined()
      let gap = String(repeating: " ", count: 3 * (width - row.count) + 2)
      let address = HexNumber(record.address.value &+ UInt64(start))
      add(
        Line(
          2,
          [
            Span(.detail, Self.padded(address) + "  ", together: true),
            Span(.plain, hex + gap, together: true), Span(.detail, text, together: true),
          ]))
    }
  }

  private static func bytes(_ hex: String, limit: Int) -> [UInt8] {
    let digits = Array(hex.utf8.prefix(2 * limit))
    return stride(from: 0, to: digits.count - 1, by: 2).compactMap {
      UInt8(String(decoding: digits[$0..<($0 + 2)], as: UTF8.self), radix: 16)
    }
  }

  mutating func addMemoryMap() {
    let map = report.memoryMap
    let isOfUse = showsRegisters || report.crash.kind == .stackOverflow
    guard isOfUse, let address = faultAddress, !map.isEmpty else { return }
    addHeading("Memory around the fault")
    let hit = map.firstIndex { $0.fault == true || ($0.start <= address && address < $0.end) }
    let next = map.firstIndex { $0.start > address } ?? map.endIndex
    let first = max(0, (hit ?? next) - 2)
    let last = min(map.count, (hit.map { $0 + 3 }) ?? next + 2)
    // A mapping far away says nothing about this address; near a NULL there is none.
    let isNear = { (entry: MapRecord) in
      entry.end.value.distance(upTo: address.value) < Self.neighbourhood
        && address.value.distance(upTo: entry.start.value) < Self.neighbourhood
    }
    guard hit != nil || map[first..<max(first, last)].contains(where: isNear) else {
      return addUnmapped(address)
    }
    for index in first..<max(first, last) where isNear(map[index]) {
      if hit == nil, index == next { addUnmapped(address) }
      add(map[index], marked: index == hit)
    }
    if hit == nil, next >= last { addUnmapped(address) }
  }

  /// Bytes around the fault within which other mappings are shown.
  private static var neighbourhood: UInt64 { 64 << 20 }

  private mutating func addUnmapped(_ address: HexNumber) {
    add(Line(0, [Span(.marker, "→ "), Span(.verdict, "\(address): nothing is mapped here")]))
  }

  private mutating func add(_ entry: MapRecord, marked: Bool) {
    let size =
      entry.end > entry.start
      ? Words.bytes(Int(clamping: entry.end.value - entry.start.value)) : "0 B"
    add(
      Line(
        0, hang: 4,
        [
          Span(.marker, marked ? "→ " : "  "),
          Span(.plain, "\(entry.start)-\(entry.end) ", together: true),
          Span(marked ? .verdict : .plain, entry.permissions + " ", together: true, limit: 8),
          Span(.detail, size + "  ", together: true),
          Span(.detail, entry.path ?? "anonymous", together: true, limit: 300),
        ]))
  }
}

extension UInt64 {
  /// How far `other` lies above; 0 when it lies below.
  fileprivate func distance(upTo other: UInt64) -> UInt64 {
    other > self ? other - self : 0
  }
}
