import Report

/// The stack pointer itself lies where no stack is (any more): the stack was unmapped while somebody ran on it,
/// or popped beyond its upper end.
enum StackAfterEndRule {
  /// Bytes between the stack pointer and an access that still is the stack's own.
  private static let reach: UInt64 = 64 << 10

  static func applies(_ scene: CrashScene) -> Bool { kind(scene) != nil }

  private enum Kind {
    case gone
    /// Beyond the upper end of this mapping.
    case beyond(Int)
  }

  private static func kind(_ scene: CrashScene) -> Kind? {
    guard scene.crash.kind != .stackOverflow, scene.isFault(SignalNumber.segv), !scene.isFetch,
      let address = scene.faultAddress, let pointer = scene.stackPointer
    else { return nil }
    let distance = address > pointer ? address - pointer : pointer - address
    guard distance <= reach, !isWritable(scene, address) else { return nil }
    if let below = scene.mapping(below: address),
      isWritable(scene, scene.report.memoryMap[below].start.value),
      pointer >= scene.report.memoryMap[below].end.value
        - min(reach, scene.report.memoryMap[below].end.value),
      address >= pointer, address - pointer <= 64,
      scene.thread?.stack?.end == scene.report.memoryMap[below].end
    {
      return .beyond(below)
    }
    return scene.mapping(containing: pointer) == nil ? .gone : nil
  }

  private static func isWritable(_ scene: CrashScene, _ address: UInt64) -> Bool {
    guard let index = scene.mapping(containing: address) else { return false }
    return scene.report.memoryMap[index].permissions.utf8.dropFirst().first == UInt8(ascii: "w")
  }

  static func diagnose(_ scene: CrashScene) -> Diagnosis? {
    guard let kind = kind(scene), let pointer = scene.stackPointer else { return nil }
    let place = scene.place
    let register = scene.register(StackRegister.names).map { CrashScene.register($0.name) }
    let evidence = scene.evidence(CrashScene.address, register, CrashScene.firstFrame)
    switch kind {
    case .gone:
      if let caller = scene.thread?.frames.dropFirst().first, caller.sp.value > pointer,
        isWritable(scene, caller.sp.value)
      {
        return Diagnosis(
          rule: "stack_after_end",
          summary: "The stack pointer \(HexNumber(pointer)) is where no memory is,\(place)",
          detail:
            "its caller's stack is \(Amount.bytes(caller.sp.value - pointer)) above: one frame so large, or a "
            + "stack pointer that was overwritten",
          confidence: .medium, evidence: evidence + [CrashScene.frame(1)])
      }
      return Diagnosis(
        rule: "stack_after_end",
        summary:
          "The stack is gone: the stack pointer \(HexNumber(pointer)) is where no memory is,\(place)",
        detail:
          "the stack was unmapped while this thread ran on it (a coroutine's or fibre's that was freed, "
          + "a thread's that ended), or the stack pointer was overwritten",
        confidence: .high, evidence: evidence)
    case .beyond(let index):
      return Diagnosis(
        rule: "stack_after_end",
        summary:
          "Use of a stack beyond its upper end at \(HexNumber(scene.report.memoryMap[index].end.value))\(place)",
        detail:
          "more was taken from the stack than was ever put on it: a coroutine's outermost function "
          + "returned, or a context was restored with the wrong stack pointer",
        confidence: .high, evidence: evidence + [CrashScene.mapping(index)])
    }
  }
}
