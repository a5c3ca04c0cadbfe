import Foundation
import TestSupport

/// A program of examples/, as `make fixtures` has built it, run with us and without.
struct ExampleRun {
  enum Libc: String, CaseIterable, Sendable {
    case glibc = ""
    case musl = "-musl"
  }

  enum Help: CaseIterable, Sendable { case none, preloaded, catching }

  let outcome: Outcome
  /// The reports that it left.
  let reports: [Captured]

  /// What must be the same with us and without: its ending and what it printed, but for our own lines.
  var behaviour: String {
    let errors = outcome.complaints.filter { !$0.hasPrefix("inquest: ") }
    let end = outcome.status.map { "status \($0)" } ?? "signal \(outcome.signal ?? 0)"
    return end + "\n" + outcome.text + errors.joined(separator: "\n")
  }

  /// Variables under which a program is preloaded.
  static func environment(_ help: Help, reports: String) -> [String: String] {
    var variables: [String: String] = ["INQUEST_DIR": reports]
    if help != .none {
      variables["LD_PRELOAD"] = Places.stage + "/lib/inquest/libinquest-preload.so"
    }
    if help == .catching { variables["INQUEST_CATCH"] = "1" }
    return variables
  }

  /// - Parameter asInit: whether it runs as the init of a PID namespace of its own.
  init(_ words: [String], _ help: Help, asInit: Bool = false, timeout: Double = 30) throws {
    let scratch = try Scratch()
    let wrapper = asInit ? ["unshare", "--fork", "--pid", "--mount-proc"] : []
    let folder = scratch.file("reports")
    let settings = Self.environment(help, reports: folder).map { "\($0)=\($1)" }
    // A core file in each run would take time and be of no use. The variables are for the program alone:
    // unshare, for one, kills itself in the same way as its child.
    outcome = try run(
      ["prlimit", "--core=0:", "--"] + wrapper + ["env"] + settings + words,
      environment: ["TMPDIR": scratch.path], timeout: timeout)
    reports = try Self.reports(in: folder, outcome)
  }

  /// All reports of a folder.
  static func reports(in folder: String, _ outcome: Outcome) throws -> [Captured] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return try names.filter { $0.hasSuffix(".json") }.sorted().map {
      try Captured(outcome, bytes(of: folder + "/" + $0))
    }
  }
}

/// The two numbers of the line that begins with `label`, as the examples print bounds of stacks.
func bounds(_ label: String, in text: String) throws -> (start: UInt64, end: UInt64) {
  let numbers = text.split(separator: "\n").first { $0.hasPrefix(label + " 0x") }?
    .dropFirst(label.count + 1).split(separator: " ").compactMap {
      UInt64($0.dropFirst(2), radix: 16)
    }
  guard let numbers, let first = numbers.first, let last = numbers.last else {
    throw TestFailure("nothing about \(label) in \(text)")
  }
  return (first, last)
}
