// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// Whether a crash report would have managed names can be known beforehand.
@Suite(.enabled(if: Lab.isReady, "run `make fixtures` first"))
struct DoctorTests {
  private func check(_ root: String) async throws -> JSON {
    let program = try Program(
      [Lab.inquest, "doctor", "--json"],
      environment: ["PATH": "/usr/bin:/bin", "DOTNET_ROOT": root],
      scratch: try Lab.shared.get().scratch())
    let outcome = await program.finish(within: 30)
    let json = JSON(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)))
    let found = json["checks"].list.filter {
      $0["name"].text == ".NET" && $0["detail"].text?.contains(root) == true
    }
    #expect(found.count == 1, "\(outcome)")
    return try #require(found.first)
  }

  @Test(arguments: Runtime.allCases)
  func aRuntimesDebuggingLibrary(_ runtime: Runtime) async throws {
    let other: Runtime = runtime == .net8 ? .core3 : .net8
    let whole = try await check(Lab.runtimes + "/" + runtime.rawValue)
    #expect(whole["status"].text == "ok")

    let broken = try await BrokenRuntime(runtime)
    let missing = try await check(broken.root)
    #expect(missing["status"].text == "warning")
    #expect(missing["detail"].text?.contains("has no libmscordaccore.so") == true)

    let place = URL(fileURLWithPath: broken.library)
    try BrokenRuntime.bytes(of: other).write(to: place)
    let strange = try await check(broken.root)
    #expect(strange["status"].text == "warning")
    #expect(strange["detail"].text?.contains("is of another build") == true)

    try Data("none".utf8).write(to: place)
    let none = try await check(broken.root)
    #expect(none["status"].text == "warning")
    #expect(none["detail"].text?.contains("cannot be read, or is none") == true)
    #expect(none["remedy"].text?.isEmpty == false)
  }
}
