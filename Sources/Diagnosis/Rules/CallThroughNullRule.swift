import Report

/// A function pointer that was null has been called.
enum CallThroughNullRule {
  private static let page: UInt64 = 4096

  static func diagnose(_ scene: CrashScene) -> Diagnosis? {
    guard scene.isFetch, let address = scene.faultAddress, address < page,
      !SigreturnRule.applies(scene)
    else { return nil }
    // A call leaves its return address on top of the stack, and the walk goes on there; a return leaves nothing.
    guard let caller = scene.thread?.frames.dropFirst().first else {
      return Diagnosis(
        rule: "call_through_null", summary: "Execution went to address \(hex(address))",
        detail: "a null function pointer was jumped to, or a return address on the stack was "
          + "overwritten with zeros: no call leads here",
        confidence: .low, evidence: scene.evidence(CrashScene.address, CrashScene.firstFrame))
    }
    let place = scene.words(caller).map { " by \($0)" } ?? ""
    let slot = address == 0 ? "" : ", or entry \(address / 8) of a table of functions that is null"
    return Diagnosis(
      rule: "call_through_null", summary: "A null function pointer was called\(place)\(slot)",
      detail: "by it, or by a function that it had called and that ended in a jump (a tail call)",
      confidence: .high,
      evidence: scene.evidence(CrashScene.address, CrashScene.firstFrame, CrashScene.frame(1)))
  }

  private static func hex(_ value: UInt64) -> String { HexNumber(value).description }
}
