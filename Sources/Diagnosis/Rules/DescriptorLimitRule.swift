import Report

/// No descriptor is left: opening, accepting and connecting fail.
enum DescriptorLimitRule {
  static func diagnose(_ scene: CrashScene) -> Diagnosis? {
    guard let open = scene.process.openFiles, let limit = scene.process.limits?.openFiles,
      limit > 0,
      // 95 percent: whoever crashes of it has closed some on the way.
      open >= limit - limit / 20
    else { return nil }
    let isReached = open >= limit
    return Diagnosis(
      rule: "descriptor_limit",
      summary:
        "\(isReached ? "All" : "Nearly all") file descriptors are in use: \(open) of \(limit)",
      detail:
        "look for descriptors that are never closed, or raise the limit (ulimit -n, LimitNOFILE=)",
      confidence: isReached ? .medium : .low,
      evidence: ["/process/open_files", "/process/limits/open_files"])
  }
}
