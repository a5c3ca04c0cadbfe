// SPDX-License-Identifier: Apache-2.0
import Foundation

/// The two real runtimes that tools/fetch-dotnet.sh puts below INQUEST_TEST_RUNTIMES, or else below
/// `.cache/dotnet` of this repository.
enum Runtime: String, CaseIterable, Sendable {
  case dotnet8 = "8.0"
  case core3 = "3.1"

  private static var folder: String {
    if let given = ProcessInfo.processInfo.environment["INQUEST_TEST_RUNTIMES"] { return given }
    var root = URL(fileURLWithPath: #filePath)
    for _ in 0..<4 { root.deleteLastPathComponent() }
    return root.path + "/.cache/dotnet"
  }

  private var version: String { self == .dotnet8 ? "8.0.4" : "3.1.23" }

  private var root: String {
    Self.folder + "/" + version
  }

  var dotnet: String { root + "/dotnet" }

  var createdump: String {
    root + "/shared/Microsoft.NETCore.App/" + version + "/createdump"
  }

  /// Compiles a program into `folder`, for this runtime; returns what dotnet is to be given.
  func compile(_ source: String, in folder: String) throws -> String {
    let base = folder + "/crash"
    try Data(source.utf8).write(to: URL(fileURLWithPath: base + ".cs"))
    try Stage.build("mcs", ["-out:\(base).dll", base + ".cs"])
    let configuration = """
      {"runtimeOptions": {
        "framework": {"name": "Microsoft.NETCore.App", "version": "\(rawValue).0"},
        "configProperties": {"System.Globalization.Invariant": true}}}
      """
    try Data(configuration.utf8).write(to: URL(fileURLWithPath: base + ".runtimeconfig.json"))
    return base + ".dll"
  }
}
