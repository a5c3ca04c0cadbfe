import CDac
import Memory

extension Dac {
  /// Ranges of one method's map, at most.
  private static let rangeLimit = 8192
  /// Bytes of debug information of one method that are read.
  private static let boundsLimit = 64 << 10

  /// Ranges of a map that are held against what the DAC says.
  private static let checks = 8

  /// Epilog, prolog, no mapping (clrdata.h: CLRDATA_IL_OFFSET_…).
  private static let (epilog, prolog, none): (UInt32, UInt32, UInt32) = (
    0xffff_fffd, 0xffff_fffe, 0xffff_ffff
  )

  /// The IL offset of the instruction at `address`, in bytes; nil where the compiler has left no mapping.
  ///
  /// By the whole map of the code and not by GetILOffsetsByAddress, which fails in a map's last range
  /// because it takes that range to end at 0 (measured on 3.1.23 and 8.0.4: a `throw` at the end).
  func ilOffset(at address: UInt64, in code: inquest_dac_code) -> Int? {
    let map = ilMaps[code.start] ?? readILMap(at: address, code)
    ilMaps[code.start] = map
    guard !map.isEmpty else { return Self.statement(toldOffset(at: address)) }
    var found: Int?
    for range in map {
      guard range.start <= address else { continue }
      // Some code after a statement belongs to it.
      if range.offset != Self.epilog { found = Self.statement(range.offset) }
    }
    return found
  }

  /// Shared code that throws (overflow, range checks) has no mapping: the runtime itself says the method's
  /// start.
  private static func statement(_ offset: UInt32?) -> Int? {
    switch offset {
    case nil, epilog: nil
    case prolog, none: 0
    case let offset?: Int(offset)
    }
  }

  private func readILMap(
    at address: UInt64, _ code: inquest_dac_code
  ) -> [(start: UInt64, offset: UInt32)] {
    let first = mapOfFirstVersion(at: address)
    return first.first?.start == code.start ? first : mapOfCode(code)
  }

  /// What the DAC tells of the method, which may be about other code than that at `address`.
  private func mapOfFirstVersion(at address: UInt64) -> [(start: UInt64, offset: UInt32)] {
    var instance: UnsafeMutableRawPointer?
    guard inquest_dac_method_instance(process, address, &instance) == 0, let instance else {
      return []
    }
    defer { inquest_dac_release(instance) }
    var ranges = [inquest_dac_il_range](
      repeating: inquest_dac_il_range(), count: Self.rangeLimit)
    var count: UInt32 = 0
    guard inquest_dac_il_map(instance, UInt32(ranges.count), &count, &ranges) >= 0 else {
      return []
    }
    return ranges.prefix(Int(count)).map { ($0.start, $0.il_offset) }.sorted { $0.start < $1.start }
  }

  /// The map that the code itself has, unless the DAC says otherwise.
  private func mapOfCode(_ code: inquest_dac_code) -> [(start: UInt64, offset: UInt32)] {
    // The word before code that was compiled at run time points to its header (RealCodeHeader,
    // vm/codeman.h), whose first word points to the map.
    let compiledAtRunTime: Int32 = 1
    guard code.kind == compiledAtRunTime,
      let header = memory.load(UInt64.self, at: code.start &- 8),
      let place = memory.load(UInt64.self, at: header), place != 0
    else { return [] }
    let bytes = memory.prefix(at: place, atMost: Self.boundsLimit)
    guard let bounds = CompressedBounds(bytes, hasFlags: !isCore3, codeSize: code.size) else {
      return []
    }
    let map = bounds.entries.map {
      (start: code.start &+ UInt64($0.nativeOffset), offset: $0.ilOffset)
    }
    for (range, next) in zip(map, map.dropFirst()).prefix(Self.checks)
    where range.start < next.start {
      if let told = toldOffset(at: range.start), told != range.offset { return [] }
    }
    return map
  }

  /// What GetILOffsetsByAddress says of one address.
  ///
  /// - Returns: nil also on 3.1, where it looks an address in code that was compiled again up in the map of
  ///   the first version, and says nonsense. So does the runtime itself, in the traces that it prints.
  private func toldOffset(at address: UInt64) -> UInt32? {
    guard !isCore3 else { return nil }
    var instance: UnsafeMutableRawPointer?
    guard inquest_dac_method_instance(process, address, &instance) == 0, let instance else {
      return nil
    }
    defer { inquest_dac_release(instance) }
    var offsets = [UInt32](repeating: 0, count: 16)
    var count: UInt32 = 0
    guard inquest_dac_il_offsets(instance, address, UInt32(offsets.count), &count, &offsets) >= 0,
      count > 0
    else { return nil }
    return offsets[0]
  }
}
