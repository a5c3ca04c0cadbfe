import Report

/// SIGBUS: a file that is shorter than its mapping, misalignment, or broken memory.
enum BusErrorRule {
  private static let (alignment, noPage, memoryError, memoryErrorLater) = (1, 2, 4, 5)

  static func diagnose(_ scene: CrashScene) -> Diagnosis? {
    guard scene.isFault(SignalNumber.bus), let code = scene.signal?.code else { return nil }
    switch code {
    case noPage: return pastTheEnd(scene)
    case alignment:
      return Diagnosis(
        rule: "misaligned_access", summary: "Misaligned access\(place(scene))",
        detail:
          "the processor was told to check alignment (the AC flag), or the instruction demands it",
        confidence: .high,
        evidence: scene.evidence(
          CrashScene.signalPointer, CrashScene.instruction, CrashScene.firstFrame))
    case memoryError, memoryErrorLater:
      return Diagnosis(
        rule: "memory_error",
        summary: "The machine's memory is broken: an uncorrectable error\(place(scene))",
        detail: "look at the kernel's log (dmesg) and replace the memory", confidence: .high,
        evidence: scene.evidence(CrashScene.signalPointer, CrashScene.address))
    default: return nil
    }
  }

  private static func place(_ scene: CrashScene) -> String {
    scene.place
  }

  private static func pastTheEnd(_ scene: CrashScene) -> Diagnosis? {
    guard let address = scene.faultAddress, let index = scene.mapping(containing: address) else {
      return nil
    }
    let map = scene.report.memoryMap[index]
    guard let path = map.path, path.hasPrefix("/") else { return nil }
    let offset = map.offset.value &+ (address - map.start.value)
    var evidence = scene.evidence(
      CrashScene.address, CrashScene.mapping(index), CrashScene.firstFrame)
    guard let size = map.fileBytes else {
      return Diagnosis(
        rule: "bus_error_past_end",
        summary:
          "Access to byte \(offset) of the mapped file \(path), which has no such byte any more\(place(scene))",
        detail:
          "the file was truncated after it was mapped, or could not be read (a full or broken disk)",
        confidence: .medium, evidence: evidence)
    }
    evidence.append(CrashScene.mapping(index) + "/file_bytes")
    guard UInt64(size) <= offset else {
      return Diagnosis(
        rule: "bus_error",
        summary: "The mapped file \(path) could not be read at byte \(offset)\(place(scene))",
        detail:
          "the file is long enough (\(size) bytes now): the disk is full or broken, a network file system "
          + "is gone, or the file was shorter for a moment",
        confidence: .medium, evidence: evidence)
    }
    return Diagnosis(
      rule: "bus_error_past_end",
      summary:
        "Access past the end of the mapped file \(path): byte \(offset) of \(size)\(place(scene))",
      detail:
        "somebody has truncated the file after it was mapped, or it was mapped longer than it is",
      confidence: .high, evidence: evidence)
  }
}
