import Report

/// Nothing went wrong in the program: somebody has sent the signal.
enum SignalSentRule {
  private static let (timer, queue) = (-2, -1)

  static func diagnose(_ scene: CrashScene) -> Diagnosis? {
    guard let signal = scene.signal, signal.origin == .user, scene.crash.kind == .raisedSignal
    else { return nil }
    let evidence = scene.evidence(
      CrashScene.signalPointer, signal.sender.map { _ in "/crash/signal/sender" },
      CrashScene.firstFrame)
    return Diagnosis(
      rule: "signal_sent",
      summary: "\(signal.name) was sent by \(sender(signal, scene)): it is no fault",
      detail: isOwn(signal, scene)
        ? nil : "the frames show what the thread was doing when the signal came, not what is wrong",
      confidence: .high, evidence: evidence)
  }

  private static func isOwn(_ signal: SignalRecord, _ scene: CrashScene) -> Bool {
    guard let sender = signal.sender else { return false }
    return sender.pid == scene.process.pid || sender.pid == scene.process.namespacePID
  }

  private static func sender(_ signal: SignalRecord, _ scene: CrashScene) -> String {
    if signal.code == timer { return "a timer of the process itself" }
    guard let sender = signal.sender else { return "somebody unknown" }
    if isOwn(signal, scene) {
      let raise = scene.frame(named: ["raise", "gsignal", "__GI_raise"], atMost: 4)
      let caller = raise.flatMap { scene.words($0 + 1) }.map { " (raise, called in \($0))" } ?? ""
      return "the process itself\(caller)"
    }
    if sender.pid == 0 { return "a process outside of its PID namespace (user \(sender.uid))" }
    let name = sender.name.map { " (\($0))" } ?? ""
    let command = sender.command.map { ": \($0)" } ?? ""
    return "process \(sender.pid)\(name) of user \(sender.uid)\(command)"
  }
}
