import Report

/// SIGTRAP that the kernel raised: a breakpoint instruction, or a debugger's.
enum BreakpointRule {
  static func diagnose(_ scene: CrashScene) -> Diagnosis? {
    guard scene.isFault(SignalNumber.trap) else { return nil }
    let place = scene.place
    let breakpoint = 1
    guard scene.signal?.code == SignalCode.fromKernel || scene.signal?.code == breakpoint else {
      return Diagnosis(
        rule: "debug_trap",
        summary: "A debugging trap came\(place): \(scene.signal?.codeName ?? "of an unknown kind")",
        detail:
          "a single step, a hardware breakpoint or a performance event that somebody has asked for",
        confidence: .medium,
        evidence: scene.evidence(CrashScene.signalPointer, CrashScene.firstFrame))
    }
    return Diagnosis(
      rule: "breakpoint", summary: "A breakpoint instruction was executed\(place)",
      detail:
        "__builtin_debugtrap, a failed check of a library that traps so (Swift, Chromium, JavaScript "
        + "engines), or a breakpoint that a debugger has left behind",
      confidence: .high,
      evidence: scene.evidence(
        CrashScene.signalPointer, CrashScene.instruction, CrashScene.firstFrame))
  }
}
