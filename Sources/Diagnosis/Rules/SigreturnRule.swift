import Report

/// A handler has returned with the wrong stack pointer: the thread runs on, on the alternate stack, and the
/// first return takes an address out of what is there, usually zeros.
enum SigreturnRule {
  private static let page: UInt64 = 4096

  /// Execution at 0, on the alternate stack, and nobody who called.
  static func applies(_ scene: CrashScene) -> Bool {
    guard scene.isFetch, let address = scene.faultAddress, address < page,
      let thread = scene.thread, thread.stack?.kind == .alternate
    else { return false }
    // Within a handler the frames lead over the trampoline to what was interrupted.
    return !thread.frames.contains { $0.signalFrame == true }
  }

  static func diagnose(_ scene: CrashScene) -> Diagnosis? {
    guard applies(scene), let stack = scene.thread?.stack, let pointer = scene.stackPointer else {
      return nil
    }
    let fromTop = Int64(bitPattern: stack.end.value &- pointer)
    let top = fromTop.magnitude <= 64 ? ", at its very top" : ""
    // Where a handler has been there is something on the stack; where none has, there are zeros.
    let isUntouched = (0..<8).allSatisfy { scene.word(at: pointer &+ 8 * $0) == 0 }
    guard isUntouched || !top.isEmpty else {
      return Diagnosis(
        rule: "sigreturn_corrupted",
        summary:
          "Return to address 0 on the alternate signal stack: a handler returned with a corrupted stack "
          + "pointer, or its own frames were overwritten",
        detail:
          "the stack pointer (\(HexNumber(pointer))) lies among what handlers have left there",
        confidence: .medium,
        evidence: scene.evidence(CrashScene.address, CrashScene.stack, CrashScene.firstFrame))
    }
    return Diagnosis(
      rule: "sigreturn_corrupted",
      summary:
        "Return to address 0 with the stack pointer inside the alternate signal stack\(top): "
        + "a signal handler returned with a corrupted stack pointer",
      detail:
        "no handler is running any more, and yet the stack pointer (\(HexNumber(pointer))) lies on the "
        + "stack for handlers (\(stack.start) to \(stack.end)): what sigreturn(2) restored was not what the "
        + "kernel had saved. The handler, or whoever emulates signals, has overwritten the saved context",
      confidence: .high,
      evidence: scene.evidence(
        CrashScene.address, CrashScene.stack,
        CrashScene.register(scene.register(StackRegister.names)?.name ?? "sp"),
        CrashScene.firstFrame))
  }
}
