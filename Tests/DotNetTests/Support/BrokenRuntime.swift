// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A runtime of one test's own, whose debugging library it may break. All other files are those of the real
/// one.
struct BrokenRuntime: Sendable {
  let runtime: Runtime
  /// Below the folder for tests, where everybody can go.
  let root: String

  var dotnet: String { root + "/dotnet" }
  var library: String { Self.library(in: root, runtime) }

  /// Without a debugging library.
  init(_ runtime: Runtime) async throws {
    self.runtime = runtime
    root = try Lab.shared.get().scratch() + "/runtime"
    let script = "cp -al \"$1\" \"$2\" 2>/dev/null || { rm -rf \"$2\"; cp -a \"$1\" \"$2\"; }"
    _ = try await Program.output(["sh", "-c", script, "sh", "\(Lab.runtimes)/\(runtime)", root])
    // It may be another name of the real one: never written to.
    unlink(library)
    try forget()
  }

  /// The host of 3.1 starts nothing while a file is missing that its list has.
  private func forget() throws {
    let path =
      URL(fileURLWithPath: library).deletingLastPathComponent().path
      + "/Microsoft.NETCore.App.deps.json"
    let list = try String(contentsOfFile: path, encoding: .utf8)
    let pattern = #",?\s*"[^"]*libmscordaccore\.so": \{[^}]*\}"#
    let rest = list.replacingOccurrences(of: pattern, with: "", options: .regularExpression)
    unlink(path)
    try Lab.write(rest, to: path)
  }

  /// With the library that Tests/Fixtures/dotnet/hostile-dac.c makes.
  init(_ runtime: Runtime, acting act: String, _ flags: [String] = []) async throws {
    try await self.init(runtime)
    let version = try Self.version(of: runtime)
    _ = try await Program.output(
      ["cc", "-shared", "-fPIC", "-w", "-DVERSION=\"\(version)\"", "-DACT=\(act)"] + flags + [
        "-o", library, Lab.repository + "/Tests/Fixtures/dotnet/hostile-dac.c",
      ])
  }

  static func library(in root: String, _ runtime: Runtime) -> String {
    "\(root)/shared/Microsoft.NETCore.App/\(runtime)/libmscordaccore.so"
  }

  /// The real library's bytes.
  static func bytes(of runtime: Runtime) throws -> Data {
    try Data(
      contentsOf: URL(fileURLWithPath: library(in: "\(Lab.runtimes)/\(runtime)", runtime)))
  }

  /// `@(#)Version …`, by which a library and a runtime know that they are of one build.
  static func version(of runtime: Runtime) throws -> String {
    let bytes = try bytes(of: runtime)
    guard let start = bytes.range(of: Data("@(#)Version ".utf8))?.lowerBound,
      let end = bytes[start...].firstIndex(of: 0)
    else { throw LabFailure(description: "\(runtime)'s library has no version") }
    return String(decoding: bytes[start..<end], as: UTF8.self)
  }
}
