import Report

/// A .NET exception that nobody caught.
enum ManagedExceptionRule {
  static func diagnose(_ scene: CrashScene) -> Diagnosis? {
    guard scene.crash.kind == .managedException, let exception = scene.report.exception else {
      return nil
    }
    let cause = ExceptionWords.cause(exception)
    let hasCause = !exception.inner.isEmpty
    return Diagnosis(
      rule: "unhandled_exception",
      summary: ExceptionWords.sentence(exception, frames: scene.thread?.frames ?? []),
      // The sentence has their first lines.
      detail: hasCause && cause.message.contains(where: \.isNewline)
        ? "\(cause.type): \(cause.message)" : nil,
      confidence: .high, evidence: ["/exception"] + scene.evidence(CrashScene.firstFrame))
  }
}
