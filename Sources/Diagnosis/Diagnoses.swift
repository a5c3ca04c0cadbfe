public import Report

/// Says why it happened, as far as the report shows it: each rule is a pure function of the report.
public enum Diagnoses {
  /// In the order in which equally sure verdicts are listed: the more a rule knows, the earlier.
  private static let rules: [@Sendable (CrashScene) -> Diagnosis?] = [
    ManagedExceptionRule.diagnose, FailFastRule.diagnose, StackOverflowRule.diagnose,
    SigreturnRule.diagnose, StackAfterEndRule.diagnose, CallThroughNullRule.diagnose,
    WildJumpRule.diagnose, HeapFaultRule.diagnose, NullDereferenceRule.diagnose,
    NonCanonicalRule.diagnose, MisalignedAccessRule.diagnose, PrivilegedInstructionRule.diagnose,
    ReadOnlyWriteRule.diagnose, InaccessibleMemoryRule.diagnose, WildPointerRule.diagnose,
    BusErrorRule.diagnose, DivisionRule.diagnose, IllegalInstructionRule.diagnose,
    BreakpointRule.diagnose, SeccompRule.diagnose,
    // A watchdog ends what hangs by a signal, which then is the consequence.
    DeadlockRule.diagnose, UncaughtExceptionRule.diagnose, AbortMessageRule.diagnose,
    AbortRule.diagnose, SignalSentRule.diagnose, NamespaceInitRule.diagnose,
    FaultInHandlerRule.diagnose, MemoryLimitRule.diagnose, DescriptorLimitRule.diagnose,
  ]

  /// - Parameter report: at least `crash` and `process`; a rule says nothing where it lacks what it goes by.
  /// - Returns: the most certain first.
  public static func diagnose(_ report: Report) -> [Diagnosis] {
    let scene = CrashScene(report)
    let found = rules.compactMap { $0(scene) }
    return [Diagnosis.Confidence.high, .medium, .low].flatMap { level in
      found.filter { $0.confidence == level }
    }
  }
}
