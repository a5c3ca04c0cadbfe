import Report

/// Data was read or written at an address that is small because a pointer was null.
enum NullDereferenceRule {
  /// Bytes that the kernel keeps unmapped at 0 (vm.mmap_min_addr, on every distribution).
  private static let reserved: UInt64 = 64 << 10
  private static let page: UInt64 = 4096

  static func diagnose(_ scene: CrashScene) -> Diagnosis? {
    guard scene.crash.kind != .stackOverflow, scene.isFault(SignalNumber.segv), !scene.isFetch,
      let address = scene.faultAddress,
      address < reserved || address > UInt64.max - reserved,
      scene.mapping(containing: address) == nil
    else { return nil }
    let access = scene.signal?.access == .write ? "writing" : "reading"
    let place = scene.place
    let distance = Int64(bitPattern: address)
    var what =
      distance == 0
      ? "at the pointer itself"
      : distance < 0 ? "\(-distance) bytes before the object" : "\(distance) bytes into the object"
    var evidence = scene.evidence(CrashScene.address, CrashScene.instruction, CrashScene.firstFrame)
    var detail: String?
    if let (index, operand) = scene.operand(at: address) {
      evidence.append(CrashScene.operand(index))
      (what, detail) = words(operand, address, scene, &evidence) ?? (what, nil)
    }
    // -1 is what a failed mmap returns, and shmat.
    if let (_, operand) = scene.operand(at: address), let base = operand.base,
      scene.register([base])?.value.value == .max
    {
      return Diagnosis(
        rule: "error_as_pointer",
        summary: "An error was used as a pointer\(place): \(base) is -1",
        detail: "a call failed that returns MAP_FAILED, (void *)-1 or the like, and nobody looked",
        confidence: .high, evidence: evidence)
    }
    return Diagnosis(
      rule: "null_dereference", summary: "Null pointer dereferenced\(place): \(access) \(what)",
      detail: detail, confidence: distance.magnitude < page ? .high : .medium, evidence: evidence)
  }

  /// What the operand tells of which register was null and of how far into its object it went.
  private static func words(
    _ operand: InstructionRecord.Operand, _ address: UInt64, _ scene: CrashScene,
    _ evidence: inout [String]
  ) -> (String, String?)? {
    guard let base = operand.base, let value = scene.register([base])?.value.value else {
      return nil
    }
    evidence.append(CrashScene.register(base))
    let offset = operand.displacement ?? 0
    if value == 0, operand.index == nil {
      let what =
        offset == 0
        ? "at the pointer itself (\(base) is 0)" : "the field at offset \(offset) (\(base) is 0)"
      return (what, nil)
    }
    if value == 0, let index = operand.index {
      return ("an element of an array (\(base) is 0, \(index) counts)", nil)
    }
    guard value < reserved else { return nil }
    return (
      "\(address) bytes from 0 (\(base) is 0x\(String(value, radix: 16)))",
      "\(base) is no pointer but close to 0: it was made from a null pointer by adding an offset, "
        + "or a small number was taken for a pointer"
    )
  }
}
