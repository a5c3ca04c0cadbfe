import Report

/// Execution went to where there is no code: into the void, or into data.
enum WildJumpRule {
  static func diagnose(_ scene: CrashScene) -> Diagnosis? {
    guard scene.isFetch, let address = scene.faultAddress, address >= 4096 else { return nil }
    let target = HexNumber(address)
    let caller =
      scene.thread.flatMap { $0.frames.count > 1 ? scene.words($0.frames[1]) : nil }.map {
        ", called from \($0)"
      } ?? ""
    let evidence = scene.evidence(
      CrashScene.address, CrashScene.firstFrame,
      scene.thread.map { $0.frames.count > 1 } == true ? CrashScene.frame(1) : nil)
    let advice =
      "a function pointer, a vtable or a return address was overwritten, or its object was freed"
    guard let index = scene.mapping(containing: address) else {
      return Diagnosis(
        rule: "wild_jump", summary: "Jump into the void: there is no memory at \(target)\(caller)",
        detail: advice + ", or the library that held the code was unloaded", confidence: .high,
        evidence: evidence)
    }
    let map = scene.report.memoryMap[index]
    let name = map.path == "[stack]" ? "the main stack" : scene.path(ofMapping: index)
    return Diagnosis(
      rule: "wild_jump",
      summary: "Jump into data: \(target) lies in \(name), which is not executable "
        + "(\(map.permissions))\(caller)",
      detail: advice, confidence: .high, evidence: evidence + [CrashScene.mapping(index)])
  }
}
