import Report

/// Signs that there was no more memory: an exception that says so, or a limit that is all but reached.
enum MemoryLimitRule {
  private static let exceptions: Set<String> = [
    "System.OutOfMemoryException", "System.InsufficientMemoryException", "std::bad_alloc",
  ]

  static func diagnose(_ scene: CrashScene) -> Diagnosis? {
    let (limits, evidence) = limits(scene)
    let thrown = scene.crash.thrown?.type ?? ""
    let managed = scene.report.exception.map { [$0.type, ExceptionWords.cause($0).type] } ?? []
    if let type = ([thrown] + managed).first(where: exceptions.contains) {
      return Diagnosis(
        rule: "out_of_memory", summary: "There was no memory left for the program: \(type)",
        detail: limits.isEmpty
          ? "no limit of the process or its control group was near: it asked for too much at once"
          : limits.joined(separator: "; "),
        confidence: .high, evidence: [type == thrown ? "/crash/thrown" : "/exception"] + evidence)
    }
    guard !limits.isEmpty, scene.crash.kind != .none || evidence.count > 0 else { return nil }
    return Diagnosis(
      rule: "out_of_memory", summary: "Memory may have run out: \(limits[0])",
      detail: "whether that led to the crash is not known"
        + limits.dropFirst().map { "; \($0)" }.joined(),
      confidence: .low, evidence: evidence)
  }

  /// What is all but reached.
  private static func limits(_ scene: CrashScene) -> ([String], [String]) {
    var (found, evidence): ([String], [String]) = ([], [])
    func isNear(_ used: Int, _ limit: Int) -> Bool { limit > 0 && used / 19 >= limit / 20 }
    guard let memory = scene.process.memory else { return ([], []) }
    if let used = memory.groupBytes, let limit = memory.groupLimitBytes, isNear(used, limit) {
      found.append(
        "the control group uses \(megabytes(used)) of \(megabytes(limit)), the page cache included")
      evidence.append("/process/memory/group_bytes")
    }
    if let used = memory.virtualBytes, let limit = scene.process.limits?.addressSpaceBytes,
      isNear(used, limit)
    {
      found.append("the address space is \(megabytes(used)) of \(megabytes(limit)) (RLIMIT_AS)")
      evidence.append("/process/memory/virtual_bytes")
    }
    if let kills = memory.groupKills, kills > 0 {
      found.append("the kernel has killed \(kills) times in the control group for want of memory")
      evidence.append("/process/memory/group_kills")
    }
    return (found, evidence)
  }

  private static func megabytes(_ bytes: Int) -> String { "\(bytes >> 20) MiB" }
}
