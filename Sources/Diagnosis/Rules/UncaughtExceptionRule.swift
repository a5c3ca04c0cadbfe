import Report

/// A C++ exception that nobody caught.
enum UncaughtExceptionRule {
  static func diagnose(_ scene: CrashScene) -> Diagnosis? {
    guard scene.crash.kind == .abort, let thrown = scene.crash.thrown else { return nil }
    let message = thrown.message.map { ": \($0)" } ?? ""
    let throwing = scene.frame(named: ["__cxa_throw", "__cxa_rethrow"])
    let place =
      throwing.flatMap { scene.words($0 + 1) }.map { ", thrown in \($0)" }
      ?? AbortRule.culprit(scene).map { ", ended in \($0)" } ?? ""
    return Diagnosis(
      rule: "uncaught_exception",
      summary: "Uncaught C++ exception \(thrown.type)\(message)\(place)",
      detail: throwing == nil
        ? "it left a function that must not throw (noexcept, a destructor) or was thrown again"
        : nil,
      confidence: .high,
      evidence: scene.evidence(
        "/crash/thrown", throwing.map(CrashScene.frame), CrashScene.firstFrame))
  }
}
