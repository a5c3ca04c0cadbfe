import Report

/// SIGTRAP that the kernel raised: a breakpoint instruction, or a debugger's.
enum BreakpointRule {
  static func diagnose(_ scene: CrashScene) -> Diagnosis? {
    guard scene.isFault(SignalNumber.trap) else { return nil }
    let place = scene.place
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
