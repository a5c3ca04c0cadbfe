import Report

/// Data was read or written where there is no memory.
enum WildPointerRule {
  private static let reserved: UInt64 = 64 << 10
  /// Bytes past the end of a mapping that still look like going too far in it.
  private static let near: UInt64 = 4096

  static func diagnose(_ scene: CrashScene) -> Diagnosis? {
    guard scene.crash.kind != .stackOverflow,
      scene.isFault(SignalNumber.segv, code: SignalCode.mapError), !scene.isFetch,
      let address = scene.faultAddress, (reserved...(.max - reserved)).contains(address),
      scene.mapping(containing: address) == nil, !StackAfterEndRule.applies(scene)
    else { return nil }
    let access = scene.signal?.access == .write ? "Write to" : "Read of"
    let place = scene.place
    var evidence = scene.evidence(
      CrashScene.address, CrashScene.instruction, CrashScene.firstFrame)
    var detail = "the object was freed and its memory given back, or the pointer was overwritten"
    if let below = scene.mapping(below: address),
      address - scene.report.memoryMap[below].end.value < near
    {
      let past = address - scene.report.memoryMap[below].end.value
      evidence.append(CrashScene.mapping(below))
      detail =
        "\(past) bytes past the end of \(scene.path(ofMapping: below)): "
        + "an index that runs too far, or a length that is too large"
    } else if let text = Pattern.words(address) {
      detail = "the address is \(text): the pointer was overwritten, or its object was freed"
    }
    return Diagnosis(
      rule: "wild_pointer",
      summary: "\(access) \(HexNumber(address)), where no memory is,\(place)",
      detail: detail, confidence: .medium, evidence: evidence)
  }
}

/// What a number looks like that is no pointer.
enum Pattern {
  /// Bytes with which allocators and debugging aids fill memory.
  private static let fills: [UInt8: String] = [
    0xa5: "jemalloc's or glibc's fill of new memory (0xa5)",
    0x5a: "jemalloc's fill of freed memory (0x5a)",
    0xcc: "a fill of unset memory (0xcc)", 0xdd: "a fill of freed memory (0xdd)",
    0xfe: "a fill of freed memory (0xfe)", 0xaa: "a fill of unset memory (0xaa)",
    0xcd: "a fill of unset memory (0xcd)", 0x55: "a fill of unset memory (0x55)",
    0xef: "a fill of freed memory (0xef)", 0xbe: "AddressSanitizer's fill of new memory (0xbe)",
  ]

  /// In words, or nil where nothing is recognised.
  static func words(_ value: UInt64) -> String? {
    let bytes = withUnsafeBytes(of: value.littleEndian) { Array($0) }
    // The lowest byte may have been moved by an offset.
    let fill = bytes[3]
    if bytes[2...].allSatisfy({ $0 == fill }), let words = fills[fill] { return words }
    let text = bytes.prefix { $0 != 0 }
    let isText =
      text.allSatisfy { 0x20 <= $0 && $0 < 0x7f } && bytes[text.count...].allSatisfy { $0 == 0 }
    if text.count >= 5, isText {
      return "the text \"\(String(decoding: text, as: UTF8.self))\""
    }
    return nil
  }
}
