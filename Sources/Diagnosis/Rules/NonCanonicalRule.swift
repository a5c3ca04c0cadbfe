import Report

/// An address whose upper bits are no address's: the kernel tells of these without the address, and 0 in its
/// place is no null pointer.
enum NonCanonicalRule {
  static func diagnose(_ scene: CrashScene) -> Diagnosis? {
    guard scene.isFault(SignalNumber.segv, code: SignalCode.fromKernel) else { return nil }
    if let trap = scene.signal?.trapNumber, trap != generalProtection, trap != stackFault {
      return nil
    }
    if let target = branchTarget(scene) { return jump(to: target, scene) }
    // What touches no memory has failed for another reason.
    if let instruction = scene.crash.instruction, instruction.text != nil,
      instruction.operands?.isEmpty ?? true
    {
      return nil
    }
    if scene.crash.instruction?.bytes.hasPrefix("f4") == true { return nil }
    let place = scene.place
    guard let (value, evidence) = culprit(scene) else { return nil }
    let looks = Pattern.words(value).map { ": it is \($0)" } ?? ""
    return Diagnosis(
      rule: "non_canonical_address",
      summary: "Use of \(HexNumber(value)) as an address\(place), which can be none\(looks)",
      detail: "an object was overwritten or freed, and what is now there was taken for a pointer",
      confidence: crashHasOperands(scene) ? .high : .medium,
      evidence: scene.evidence(
        CrashScene.signalPointer, CrashScene.instruction, CrashScene.firstFrame) + evidence)
  }

  private static func jump(to target: (value: UInt64, isReturn: Bool), _ scene: CrashScene)
    -> Diagnosis
  {
    let looks = Pattern.words(target.value).map { ": it is \($0)" } ?? ""
    let what = target.isReturn ? "Return" : "Call or jump"
    return Diagnosis(
      rule: "non_canonical_address",
      summary:
        "\(what) to \(HexNumber(target.value))\(scene.place), which can be no address\(looks)",
      detail: target.isReturn
        ? "the return address on the stack was overwritten: an array there was written beyond its end"
        : "a function pointer or a vtable was overwritten, or its object was freed",
      confidence: .high,
      evidence: scene.evidence(
        CrashScene.signalPointer, CrashScene.instruction, CrashScene.firstFrame))
  }

  /// Where a return, call or jump would have gone, if that can be no address: such a branch faults itself.
  private static func branchTarget(_ scene: CrashScene) -> (value: UInt64, isReturn: Bool)? {
    let words = scene.crash.instruction?.text?.split(separator: " ", maxSplits: 1) ?? []
    guard let name = words.first, ["ret", "retn", "call", "jmp"].contains(String(name)) else {
      return nil
    }
    let isReturn = name.hasPrefix("ret")
    var target: UInt64?
    if isReturn {
      target = scene.stackPointer.flatMap(scene.word)
    } else if words.count == 2, let entry = scene.register([String(words[1])]) {
      target = entry.value.value
    } else if let address = scene.crash.instruction?.operands?.first?.address?.value {
      target = scene.word(at: address)
    }
    return target.flatMap { isCanonical($0) ? nil : ($0, isReturn) }
  }

  /// Vectors 13 and 12 (Intel SDM, 6.15); the latter for addresses formed with rsp or rbp.
  private static let (generalProtection, stackFault) = (13, 12)

  private static func crashHasOperands(_ scene: CrashScene) -> Bool {
    scene.crash.instruction?.operands?.isEmpty == false
  }

  private static func culprit(_ scene: CrashScene) -> (UInt64, [String])? {
    if let operands = scene.crash.instruction?.operands, !operands.isEmpty {
      for (index, operand) in operands.enumerated() {
        guard let address = operand.address?.value, !isCanonical(address) else { continue }
        let registers = [operand.base, operand.index].compactMap(\.self).filter {
          scene.register([$0]) != nil
        }
        return (address, [CrashScene.operand(index)] + registers.map(CrashScene.register))
      }
    }
    // A jump or a return to such an address: the instruction pointer stays at the instruction.
    if let entry = scene.thread?.registers?.entries.first(where: { !isCanonical($0.value.value) }),
      !crashHasOperands(scene)
    {
      return (entry.value.value, [CrashScene.register(entry.name)])
    }
    return nil
  }

  /// 48 bits, sign-extended; processors with 57 raise this fault for still fewer addresses.
  static func isCanonical(_ address: UInt64) -> Bool {
    let top = address >> 47
    return top == 0 || top == 0x1ffff
  }
}
