import ArgumentParser
import Glibc
import Render
import Report

/// `inquest doctor`: checks what a crash would need here.
struct Doctor: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check what a crash report needs here.",
    discussion: """
      Run it as the service's user, in the service's container. The exit status is 0 when a crash \
      can be reported, 1 when it cannot, 4 when permissions are the reason.
      """)

  @Flag(help: "Let a process crash and see whether a report comes.")
  var crashTest = false
  @Flag(help: "The findings in JSON.")
  var json = false
  @Option(help: "Colours.")
  var color: ColorChoice = .auto

  func run() throws {
    let layout = try Layout()
    let system = SystemChecks()
    var checks = system.all + PartChecks(layout: layout, system: system).all + DotNetCheck.all
    if crashTest { checks.append(CrashTest(layout: layout).check) }
    let findings = Findings(checks)
    if json {
      try Console.print(JSONStream.encode(findings) + [UInt8(ascii: "\n")])
    } else {
      let colored = color.enabled(
        environment: Console.environment, isTerminal: Console.isTerminal(STDOUT_FILENO))
      try Console.print(text(findings, colored: colored))
    }
    guard findings.healthy else { throw ExitCode(findings.status.rawValue) }
  }

  private func text(_ findings: Findings, colored: Bool) -> String {
    var text = ""
    for check in findings.checks {
      let status = check.status.rawValue.padded(9)
      let code =
        switch check.status {
        case .ok: "32"
        case .warning: "33"
        case .problem: "1;31"
        }
      text += colored ? "\u{1b}[\(code)m\(status)\u{1b}[0m" : status
      text += check.name.padded(12) + Terminal.harmless(check.detail) + "\n"
      if let remedy = check.remedy {
        text += String(repeating: " ", count: 21) + "→ " + Terminal.harmless(remedy) + "\n"
      }
    }
    return text
  }
}

extension String {
  fileprivate func padded(_ width: Int) -> String {
    self + String(repeating: " ", count: max(1, width - count))
  }
}
