import Report

/// A write to memory that may be read but not written: constants, code, a file mapped for reading.
enum ReadOnlyWriteRule {
  static func diagnose(_ scene: CrashScene) -> Diagnosis? {
    guard scene.isFault(SignalNumber.segv, code: SignalCode.accessError),
      scene.signal?.access == .write, let address = scene.faultAddress,
      let index = scene.mapping(containing: address)
    else { return nil }
    let map = scene.report.memoryMap[index]
    let permissions = Array(map.permissions.utf8)
    guard permissions.count == 4, permissions[0] == UInt8(ascii: "r"),
      permissions[1] != UInt8(ascii: "w")
    else { return nil }
    let isCode = permissions[2] == UInt8(ascii: "x")
    let what = isCode ? "code" : "read-only memory"
    let place = scene.place
    return Diagnosis(
      rule: isCode ? "write_to_code" : "write_to_read_only",
      summary: "Write to \(what) at \(HexNumber(address)), in \(scene.path(ofMapping: index)) "
        + "(\(map.permissions))\(place)",
      detail: isCode
        ? nil : "a string literal, a const object, or memory that was made read-only on purpose",
      confidence: .high,
      evidence: scene.evidence(
        CrashScene.address, CrashScene.mapping(index), CrashScene.instruction, CrashScene.firstFrame
      ))
  }
}
