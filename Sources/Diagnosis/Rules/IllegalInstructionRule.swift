import Report

/// SIGILL: mostly what compilers put where a program must not come by.
enum IllegalInstructionRule {
  static func diagnose(_ scene: CrashScene) -> Diagnosis? {
    guard scene.isFault(SignalNumber.ill) else { return nil }
    let place = scene.place
    let evidence = scene.evidence(
      CrashScene.signalPointer, CrashScene.instruction, CrashScene.firstFrame)
    guard let instruction = scene.crash.instruction else {
      return Diagnosis(
        rule: "illegal_instruction", summary: "Illegal instruction\(place)", confidence: .medium,
        evidence: evidence)
    }
    // ud2; ud1, whose operand is the number of UndefinedBehaviorSanitizer's check; arm64's udf.
    let bytes = instruction.bytes
    if bytes.hasPrefix("0f0b") || bytes.hasPrefix("0fb9") || bytes.hasPrefix("670fb9")
      || bytes == "00000000"
    {
      return Diagnosis(
        rule: "trap_instruction",
        summary: "A check in the program failed: it executed the trap instruction\(place)",
        detail:
          "compilers make it of __builtin_trap(), of code that cannot be reached, of a failed "
          + "precondition (Swift), an abort in a core library (Rust) or a sanitizer's check",
        confidence: .high, evidence: evidence)
    }
    let known = instruction.text.map { "this processor may not know \"\($0)\"" }
    return Diagnosis(
      rule: "illegal_instruction",
      summary: "Illegal instruction\(place): "
        + (known ?? "\(bytes.prefix(16)) is none that is known"),
      detail: known == nil
        ? "execution went astray into data or into the middle of an instruction"
        : "the program was built for another processor (-march), or execution went astray",
      confidence: known == nil ? .medium : .low, evidence: evidence)
  }
}
