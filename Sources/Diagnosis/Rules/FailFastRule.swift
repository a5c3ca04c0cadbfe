import Report

/// Environment.FailFast was called: the program itself decided to end, and said why.
enum FailFastRule {
  static func diagnose(_ scene: CrashScene) -> Diagnosis? {
    guard scene.crash.kind == .failFast else { return nil }
    let message = scene.report.exception?.message
    return Diagnosis(
      rule: "fail_fast", summary: "The program ended itself with Environment.FailFast",
      detail: message?.isEmpty == false ? message : nil, confidence: .high,
      evidence: ["/crash"] + scene.evidence(CrashScene.firstFrame))
  }
}
