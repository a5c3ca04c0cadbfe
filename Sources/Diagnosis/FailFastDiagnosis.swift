public import Report

/// Environment.FailFast was called: the program itself decided to end, and said why.
public enum FailFastDiagnosis {
  /// The call's frames are evidence where there are any; its message is told in full.
  public static func diagnosis(_ call: CrashFacts.FailFast) -> Diagnosis {
    Diagnosis(
      rule: "fail_fast", summary: "The program ended itself with Environment.FailFast",
      detail: call.message, confidence: .high,
      evidence: ["/crash"] + (call.frames.isEmpty ? [] : ["/threads/0/frames/0"]))
  }
}
