import Foundation
import TestSupport

/// One row of the table of Tests/Contract: something that a program may rely on, shown by a program that
/// prints what it finds.
struct Behaviour: Sendable, Hashable, CustomStringConvertible {
  var library: String
  var theme: String
  var name: String

  /// The same on every C library.
  var title: String { "\(theme) \(name)" }
  var description: String { "\(library) \(title)" }

  /// Of the program as it is, or under the shim.
  enum Company: CaseIterable, Sendable { case alone, preloaded, caught }

  static let themes = [
    "signals", "handlers", "actions", "faults", "altstack", "onstack", "processes", "execs",
    "threads",
    "exits", "limits", "privileges", "tracing", "init", "cxx",
  ]

  /// What the programs say that they can show; nothing where they are not built.
  static func listed(_ themes: [String] = Self.themes) -> [Behaviour] {
    ["glibc", "musl"].flatMap { library in
      themes.flatMap { theme in
        let program = path(library, theme)
        guard FileManager.default.isExecutableFile(atPath: program) else { return [Behaviour]() }
        let names = (try? output(of: [program, "--list"]))?.split(separator: "\n") ?? []
        return names.map { Behaviour(library: library, theme: theme, name: String($0)) }
      }
    }
  }

  private static func path(_ library: String, _ theme: String) -> String {
    "\(Places.contract)/\(library)/contract-\(theme)"
  }

  /// Runs it in a folder of its own, with an environment that holds nothing else.
  func show(_ company: Company) throws -> Outcome {
    let scratch = try Scratch()
    var variables = ["PATH=/usr/bin:/bin", "HOME=/tmp", "LC_ALL=C", "GREETING=hello"]
    if company != .alone { variables.append("LD_PRELOAD=\(try Places.shim)") }
    if company == .caught {
      // A collector that ends at once: what a collection takes is not the matter here.
      variables += ["INQUEST_CATCH=1", "INQUEST_COLLECTOR=\(Places.contract)/collector"]
    }
    return try run(
      ["env", "-i", "-C", scratch.path] + variables + [Self.path(library, theme), name],
      timeout: 120)
  }
}

extension Outcome {
  /// All that a program's user can see of it but for the time that it took.
  var visible: String {
    let end = status.map { "status \($0)" } ?? "signal \(signal ?? 0)"
    let said = complaints.filter { !$0.hasPrefix("inquest: ") }.joined(separator: "\n")
    return "\(text)\(said)\n\(end)\(dumpedCore ? ", core" : "")"
  }
}
