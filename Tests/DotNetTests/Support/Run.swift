// SPDX-License-Identifier: Apache-2.0
import Foundation

/// One run of a mode under the shim, in a folder of its own, for tests that want something unusual.
struct Run: Sendable {
  var runtime: Runtime
  var outcome: Outcome
  var folder: String
  var reportFolder: String
  var reports: [ReportFile]

  /// What else lies in the folder, but for the streams, with the pid as `#`.
  var files: [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { !$0.hasSuffix(".out") && !$0.hasSuffix(".err") && $0 != "reports" }
      .filter {
        !$0.hasPrefix("clr-debug-pipe") && !$0.hasPrefix("dotnet-diagnostic") && $0 != ".dotnet"
      }
      .map { $0.replacingOccurrences(of: "\(outcome.pid)", with: "#") }.sorted()
  }

  /// Standard output and error with every number, and the folder, made the same.
  func text(_ stream: KeyPath<Outcome, String>) -> String {
    outcome[keyPath: stream].replacingOccurrences(of: folder, with: "FOLDER")
      .replacingOccurrences(of: "thread [0-9a-f]+|[0-9]+", with: "#", options: .regularExpression)
  }

  /// Where createdump writes when nobody said where. 8.0 forgets the slash after TMPDIR.
  var unnamedCore: String {
    folder + (runtime == .net8 ? "" : "/") + "coredump.\(outcome.pid)"
  }

  /// A file that begins like an ELF core file.
  func isCore(_ path: String) -> Bool {
    let full = path.hasPrefix("/") ? path : "\(folder)/\(path)"
    let name = full.replacingOccurrences(of: "#", with: "\(outcome.pid)")
    guard let file = FileHandle(forReadingAtPath: name) else { return false }
    let head = [UInt8](file.readData(ofLength: 18))
    return head.count == 18 && head.starts(with: [0x7f, 0x45, 0x4c, 0x46]) && head[16] == 4
  }

  enum Shim { case off, on }

  /// Where a run takes place.
  struct Place: Sendable {
    var runtime: Runtime
    var folder: String
    var environment: [String: String]
    var words: [String]
    var reportFolder: String { folder + "/reports" }

    init(_ mode: String, on runtime: Runtime, _ shim: Shim, _ changes: [String: String] = [:])
      throws
    {
      self.runtime = runtime
      folder = try Lab.shared.get().scratch()
      environment = ["PATH": "/usr/bin:/bin", "HOME": folder, "TMPDIR": folder]
      words = [runtime.dotnet, runtime.program, mode]
      if shim == .on {
        environment["INQUEST_DIR"] = folder + "/reports"
        words = [Lab.inquest, "run", "--"] + words
      }
      environment.merge(changes) { $1 }
    }

    func start(readsInput: Bool = false, errors: Int32? = nil) throws -> Program {
      try Program(
        words, environment: environment, scratch: folder, readsInput: readsInput, errors: errors)
    }

    func finish(_ program: Program, within seconds: Double = 40) async throws -> Run {
      let outcome = await program.finish(within: seconds)
      return Run(
        runtime: runtime, outcome: outcome, folder: folder, reportFolder: reportFolder,
        reports: try ReportFile.all(in: reportFolder))
    }
  }

  static func of(
    _ mode: String, on runtime: Runtime, _ shim: Shim = .on, _ changes: [String: String] = [:],
    errors: Int32? = nil, within seconds: Double = 40
  ) async throws -> Run {
    try await Gate.programs.run {
      let place = try Place(mode, on: runtime, shim, changes)
      return try await place.finish(try place.start(errors: errors), within: seconds)
    }
  }
}
