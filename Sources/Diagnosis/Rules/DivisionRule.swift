import Report

/// SIGFPE, which in spite of its name mostly is a division of integers.
enum DivisionRule {
  private static let (integer, firstFloat, lastFloat) = (1, 3, 8)

  static func diagnose(_ scene: CrashScene) -> Diagnosis? {
    guard scene.isFault(SignalNumber.fpe), let code = scene.signal?.code else { return nil }
    let place = scene.place
    let evidence = scene.evidence(
      CrashScene.signalPointer, CrashScene.instruction, CrashScene.firstFrame)
    if (firstFloat...lastFloat).contains(code) {
      return Diagnosis(
        rule: "floating_point_trap",
        summary:
          "A floating-point operation trapped\(place): \(scene.signal?.codeName ?? "code \(code)")",
        detail: "the program has enabled such traps (feenableexcept)", confidence: .high,
        evidence: evidence)
    }
    guard code == integer else { return nil }
    guard let (name, value) = divisor(scene) else {
      return Diagnosis(
        rule: "division_by_zero", summary: "Division of an integer by zero\(place)",
        detail: "x86 raises the same for a quotient that is too large (INT_MIN / -1)",
        confidence: .medium,
        evidence: evidence)
    }
    guard value == 0 else {
      return Diagnosis(
        rule: "division_overflow",
        summary: "Division of integers whose quotient is too large (INT_MIN / -1)\(place)",
        detail: "the divisor \(name) is not 0", confidence: .high,
        evidence: evidence + [CrashScene.register(name)])
    }
    return Diagnosis(
      rule: "division_by_zero", summary: "Division of an integer by zero (\(name) is 0)\(place)",
      confidence: .high, evidence: evidence + [CrashScene.register(name)])
  }

  /// The register that `idiv` or `div` divides by, and as much of it as counts.
  private static func divisor(_ scene: CrashScene) -> (name: String, value: UInt64)? {
    let words = scene.crash.instruction?.text?.split(separator: " ") ?? []
    guard words.count == 2, words[0] == "idiv" || words[0] == "div" else { return nil }
    guard let (name, bits) = whole(String(words[1])), let entry = scene.register([name]) else {
      return nil
    }
    let value = entry.value.value
    return (name, bits == 64 ? value : value & ((1 << bits) - 1))
  }

  /// The 64-bit register that one of 16, 32 or 64 bits is part of. Those of 8 bits are left out: half of them
  /// are the upper half of something.
  private static func whole(_ name: String) -> (String, UInt64)? {
    let parts = ["ax", "bx", "cx", "dx", "si", "di", "bp", "sp"]
    if parts.contains(name) { return ("r" + name, 16) }
    if name.hasPrefix("e"), parts.contains(String(name.dropFirst())) {
      return ("r" + name.dropFirst(), 32)
    }
    if name.hasPrefix("r") {
      if parts.contains(String(name.dropFirst())) { return (name, 64) }
      let number = name.dropFirst().prefix { $0.isNumber }
      guard let value = Int(number), (8...15).contains(value) else { return nil }
      switch name.dropFirst(1 + number.count) {
      case "": return (name, 64)
      case "d": return ("r\(value)", 32)
      case "w": return ("r\(value)", 16)
      default: return nil
      }
    }
    return nil
  }
}
