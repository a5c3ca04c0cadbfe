import Report

/// An instruction that wants its operand aligned, and found it otherwise: a general protection fault.
enum MisalignedAccessRule {
  static func diagnose(_ scene: CrashScene) -> Diagnosis? {
    guard scene.isFault(SignalNumber.segv, code: SignalCode.fromKernel),
      let operands = scene.crash.instruction?.operands,
      let text = scene.crash.instruction?.text, isAlignedMove(text)
    else { return nil }
    for (index, operand) in operands.enumerated() {
      guard let address = operand.address?.value, let size = operand.size, size >= 16,
        NonCanonicalRule.isCanonical(address), address % UInt64(size) != 0
      else { continue }
      let place = scene.place
      return Diagnosis(
        rule: "misaligned_access",
        summary:
          "Access\(place) to \(HexNumber(address)), which is not aligned to \(size) bytes as its instruction demands",
        detail: operand.base == "rsp" || operand.base == "rbp"
          ? "the stack is misaligned: assembly, a hand-made stack or a handler has broken the ABI "
            + "(16 bytes at every call)"
          : "a pointer was cast to a type that wants more alignment",
        confidence: .high,
        evidence: scene.evidence(
          CrashScene.instruction, CrashScene.operand(index), CrashScene.firstFrame)
      )
    }
    return nil
  }

  private static func isAlignedMove(_ text: String) -> Bool {
    let name = text.utf8.prefix { $0 != UInt8(ascii: " ") }
    return ["movaps", "movapd", "movdqa", "vmovaps", "vmovapd", "vmovdqa", "movntps", "movntdq"]
      .contains { name.starts(with: $0.utf8) }
  }
}
