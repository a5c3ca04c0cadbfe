public import Report

/// Environment.FailFast was called: the program itself decided to end, and said why.
public enum FailFastDiagnosis {
  /// - Parameter message: what it was told to say, in full; nil when that is not known.
  public static func diagnosis(message: String?) -> Diagnosis {
    Diagnosis(
      rule: "fail_fast", summary: "The program ended itself with Environment.FailFast",
      detail: message, confidence: .high, evidence: ["/crash", "/threads/0/frames/0"])
  }
}
