import Report

/// An access to memory that is reserved but may not be touched at all: a guard page that is not the end of
/// the thread's own stack, freed arenas, memory that a program protects.
enum InaccessibleMemoryRule {
  static func diagnose(_ scene: CrashScene) -> Diagnosis? {
    guard scene.crash.kind != .stackOverflow, scene.isFault(SignalNumber.segv), !scene.isFetch,
      let address = scene.faultAddress, let index = scene.mapping(containing: address)
    else { return nil }
    let map = scene.report.memoryMap[index]
    guard map.permissions.utf8.prefix(3).allSatisfy({ $0 == UInt8(ascii: "-") }) else { return nil }
    let place = scene.place
    var detail = "a guard page of a stack, memory that an allocator has reserved or taken back"
    if let above = scene.mapping(above: address),
      scene.report.memoryMap[above].start == map.end,
      let stack = scene.thread?.stack, stack.guardPages?.start == map.start
    {
      detail =
        "it is the guard below this thread's stack, but the stack pointer is far away: a wild "
        + "pointer or an index, not an overflow of the stack"
    }
    return Diagnosis(
      rule: "inaccessible_memory",
      summary: "Access to \(HexNumber(address)), which lies in inaccessible memory "
        + "(\(map.permissions))\(place)",
      detail: detail, confidence: .medium,
      evidence: scene.evidence(CrashScene.address, CrashScene.mapping(index), CrashScene.firstFrame)
    )
  }
}
