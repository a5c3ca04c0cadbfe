import Report

/// A system call that the process's seccomp filter refuses.
enum SeccompRule {
  private static let filter = 1

  static func diagnose(_ scene: CrashScene) -> Diagnosis? {
    guard scene.isFault(SignalNumber.sys, code: filter) else { return nil }
    let call =
      scene.signal?.systemCall.map { $0.name.map { "\($0)(2)" } ?? "system call \($0.number)" }
      ?? "a system call"
    let place = scene.words(0).map { ", called in \($0)" } ?? ""
    return Diagnosis(
      rule: "seccomp_kill", summary: "The seccomp filter refused \(call)\(place)",
      detail:
        "allow it in the filter (a container's seccomp profile, systemd's SystemCallFilter=, the "
        + "program's own sandbox), or keep the program from calling it",
      confidence: .high,
      evidence: scene.evidence(
        CrashScene.signalPointer, scene.signal?.systemCall.map { _ in "/crash/signal/system_call" },
        CrashScene.firstFrame))
  }
}
