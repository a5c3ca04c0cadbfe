import Report

/// One thing that a crash report needs, and whether it is there.
struct Check: Encodable {
  enum Status: String, Encodable {
    case ok, warning, problem
  }

  let name: String
  let status: Status
  let detail: String
  let remedy: String?
  /// A problem of permission, which has an exit status of its own.
  let permission: Bool

  private init(
    _ name: String, _ status: Status, _ detail: String, _ remedy: String?, permission: Bool = false
  ) {
    self.name = name
    self.status = status
    self.detail = detail
    self.remedy = remedy
    self.permission = permission
  }

  static func ok(_ name: String, _ detail: String) -> Check {
    Check(name, .ok, detail, nil)
  }

  static func warning(_ name: String, _ detail: String, remedy: String) -> Check {
    Check(name, .warning, detail, remedy)
  }

  static func problem(
    _ name: String, _ detail: String, remedy: String, permission: Bool = false
  ) -> Check {
    Check(name, .problem, detail, remedy, permission: permission)
  }

  /// A failure's message has both halves: what is wrong; what would help.
  static func problem(_ name: String, _ failure: Failure, otherwise remedy: String) -> Check {
    let halves = failure.message.split(separator: "; ")
    return problem(
      name, halves.dropLast().isEmpty ? failure.message : halves.dropLast().joined(separator: "; "),
      remedy: halves.count > 1 ? String(halves[halves.count - 1]) : remedy,
      permission: failure.status == .notPermitted)
  }

  enum CodingKeys: String, CodingKey {
    case name, status, detail, remedy
  }
}

/// What doctor found, and its JSON.
struct Findings: Encodable {
  let healthy: Bool
  let checks: [Check]

  init(_ checks: [Check]) {
    self.checks = checks
    healthy = !checks.contains { $0.status == .problem }
  }

  var status: ExitStatus {
    if healthy { return .done }
    return checks.contains { $0.status == .problem && $0.permission } ? .notPermitted : .failure
  }
}
