import Report

/// The crash happened while a signal handler ran.
enum FaultInHandlerRule {
  static func diagnose(_ scene: CrashScene) -> Diagnosis? {
    guard scene.report.runtime == nil, let frames = scene.thread?.frames,
      let trampoline = frames.firstIndex(where: { $0.signalFrame == true }), trampoline > 0
    else { return nil }
    let handler = scene.words(trampoline - 1) ?? "a handler"
    let interrupted = scene.words(trampoline + 1).map { ", which had interrupted \($0)" } ?? ""
    let nested = frames.count { $0.signalFrame == true }
    let depth = nested > 1 ? " (\(nested) signals deep)" : ""
    return Diagnosis(
      rule: "fault_in_handler",
      summary: "It happened in the signal handler \(handler)\(interrupted)\(depth)",
      detail:
        "handlers may call async-signal-safe functions only (signal-safety(7)), and the signal that was "
        + "being handled may be the true cause",
      confidence: .medium,
      evidence: scene.evidence(CrashScene.firstFrame, CrashScene.frame(trampoline)))
  }
}
