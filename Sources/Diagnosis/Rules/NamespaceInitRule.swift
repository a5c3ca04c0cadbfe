import Report

/// The init of a PID namespace (a container's main process) is not killed by signals that it has no handler
/// for, but for what the kernel raises for its own faults (pid_namespaces(7)).
enum NamespaceInitRule {
  static func diagnose(_ scene: CrashScene) -> Diagnosis? {
    guard scene.process.isNamespaceInit == true, let signal = scene.signal, signal.origin == .user
    else { return nil }
    let evidence = scene.evidence("/process/is_namespace_init", CrashScene.signalPointer)
    if scene.crash.kind == .abort {
      return Diagnosis(
        rule: "pid1_abort",
        summary:
          "The process is the init of its PID namespace: SIGABRT does nothing to it, and abort() ends it "
          + "by a fault instead (exit status 139, not 134)",
        detail:
          "run it below a small init (docker --init, tini), so that its own exit status is seen",
        confidence: .high, evidence: evidence)
    }
    guard scene.crash.survives == true else { return nil }
    return Diagnosis(
      rule: "pid1_survives",
      summary:
        "The process is the init of its PID namespace and goes on: there, \(signal.name) has no effect "
        + "when it is sent and not handled",
      detail:
        "a program that means to end itself so goes on behind the call, in a state that nobody expects; "
        + "run it below a small init (docker --init, tini)",
      confidence: .high, evidence: evidence + ["/crash/survives"])
  }
}
