// SPDX-License-Identifier: Apache-2.0
import Foundation

struct BuildFailure: Error, CustomStringConvertible {
  var description: String
}

/// The shim and the fixtures, built once for all tests.
struct Stage: Sendable {
  var shim: String

  enum C: CaseIterable { case glibc, musl }

  static let temporary = NSTemporaryDirectory().trimmedOfSlashes + "/inquest-preload-tests"
  static let shared = Result { try Stage() }

  static var shim: String { get throws { try shared.get().shim } }

  static func fixture(_ name: String, _ c: C = .glibc) throws -> String {
    _ = try shared.get()
    return c == .glibc ? "\(built)/\(name)" : "\(built)/\(name)-musl"
  }

  private static let built = temporary + "/built-\(ProcessInfo.processInfo.processIdentifier)"
  private static let folder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent()

  private init() throws {
    let manager = FileManager.default
    try manager.createDirectory(atPath: Stage.built, withIntermediateDirectories: true)
    atexit { try? FileManager.default.removeItem(atPath: Stage.built) }
    if let stage = ProcessInfo.processInfo.environment["INQUEST_TEST_STAGE"] {
      shim = stage + "/lib/inquest/libinquest-preload.so"
    } else {
      let preload = Stage.folder.deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("preload").path
      try Stage.build("make", ["-s", "-C", preload, "OUT=\(Stage.built)"])
      shim = Stage.built + "/libinquest-preload.so"
    }
    let programs = [
      "launcher", "contract", "greeting", "alternate_stack", "neighbours", "dying", "dispositions",
      "outcome",
    ]
    for name in programs {
      // As libcoreclr is linked; the lazy kind needs more stack than there may be.
      let bound = ["-Wl,-z,now"]
      try Stage.compile(name, bound, as: name)
      try Stage.compile(name, bound, as: name + "-musl", with: "musl-gcc")
    }
    try Stage.compile("observer", ["-static"], as: "observer")
    try Stage.compile("bystander", ["-shared", "-fPIC", "-nostdlib"], as: "libbystander.so")
  }

  private static func compile(
    _ name: String, _ options: [String], as output: String, with compiler: String = "cc"
  ) throws {
    let source = folder.appendingPathComponent("Fixtures/\(name).c").path
    try build(
      compiler, ["-O1", "-w", "-o", "\(built)/\(output)", source] + options)
  }

  static func build(_ tool: String, _ arguments: [String]) throws {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    let outcome = try run("/usr/bin/env", [tool] + arguments, environment: ["PATH": path])
    guard outcome.status == 0 else {
      throw BuildFailure(description: "\(tool) \(arguments.joined(separator: " "))\n\(outcome)")
    }
  }
}

extension String {
  fileprivate var trimmedOfSlashes: String {
    var text = self
    while text.hasSuffix("/") { text.removeLast() }
    return text
  }
}
