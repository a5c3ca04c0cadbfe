// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// Where a PDB may be, and where none may be believed. What the lines are is known from a run of the same
/// assembly with its PDB beside it, in which the runtime prints them.
@Suite(.enabled(if: Lab.isReady, "run `make fixtures` first"))
struct SourceLineTests {
  static let modes = ["wrapped", "async-after-delay"]

  /// The assembly somewhere, run there.
  private func run(_ mode: String, _ runtime: Runtime, _ assembly: String) async throws -> Run {
    let folder = URL(fileURLWithPath: assembly).deletingLastPathComponent().path
    for name in ["libcrash.so", "Throws.runtimeconfig.json"]
    where !FileManager.default.fileExists(atPath: "\(folder)/\(name)") {
      try FileManager.default.copyItem(
        atPath: "\(runtime.programs)/\(name)", toPath: "\(folder)/\(name)")
    }
    return try await Gate.programs.run {
      var place = try Run.Place(mode, on: runtime, .on)
      place.words = [Lab.inquest, "run", "--", runtime.dotnet, assembly, mode]
      return try await place.finish(try place.start())
    }
  }

  /// A copy of the assembly with its PDB beside it, which it also names by that path. A newer build has all
  /// its lines further down, and another id.
  private func build(newer isNewer: Bool = false) async throws -> String {
    let folder = try Lab.shared.get().scratch()
    let script = """
      mkdir mcs && cd mcs
      [ "$3" = same ] && cp "$1"/unlined/Throws.dll* . || {
        for file in "$2"/Throws*.cs; do sed '1i // A newer build.' "$file" > "${file##*/}"; done
        echo 'class Newer {}' >> Throws.cs  # mcs makes the id from the code, without the lines
        mcs -debug -unsafe -optimize- -out:Throws.dll Throws*.cs
      }
      "$2"/with-lines.sh "$1" beside Throws.dll ../Throws.dll && rm -r ../mcs
      """
    _ = try await Program.output([
      "-C", folder, "sh", "-c", script, "sh", Lab.fixtures + "/dotnet",
      Lab.repository + "/Tests/Fixtures/dotnet", isNewer ? "newer" : "same",
    ])
    return folder + "/Throws.dll"
  }

  private func expectLines(_ run: Run, _ mode: String) async throws {
    let known = try await Experiment.of(Scenario(throwing: mode, run.runtime))
    let printed = try #require(try await known.expectedException?.all)
    let report = try #require(run.reports.first)
    #expect(printed.contains { $0.frames.contains { $0.line != nil } })
    var found = report.json["exception"]
    for exception in printed {
      let lost = missing(exception.frames, in: found["frames"].list)
      #expect(lost.isEmpty, "\(listing(found["frames"].list))")
      found = found["inner"][0]
    }
    #expect(!report.limitations.contains(where: isAboutPDB))
  }

  /// Methods without lines, and why.
  private func expectNoLines(_ run: Run, _ mode: String) async throws {
    let known = try await Experiment.of(Scenario(throwing: mode, run.runtime)).words
    let report = try #require(run.reports.first)
    let frames = report.json["exception"]["frames"].list
    let methods = try #require(
      known.exception?.frames.map { RuntimeWords.Frame(method: $0.method) })
    #expect(!methods.isEmpty && missing(methods, in: frames).isEmpty, "\(listing(frames))")
    let all = frames + report.threads.flatMap { $0["frames"].list + $0["handler_frames"].list }
    let lines = all.filter { $0["managed"]["assembly"].text?.hasPrefix("Throws") == true }
    #expect(!lines.isEmpty)
    #expect(lines.allSatisfy { !$0["file"].exists && !$0["line"].exists }, "\(listing(lines))")
    #expect(report.limitations.contains(where: isAboutPDB), "\(report.limitations.map(\.value))")
  }

  private func isAboutPDB(_ limitation: JSON) -> Bool {
    let text = ["problem", "effect", "remedy"].compactMap { limitation[$0].text }
      .joined(separator: " ")
    return text.contains("Throws") && text.range(of: "pdb", options: .caseInsensitive) != nil
  }

  @Test(arguments: Runtime.allCases, modes)
  func embedded(_ runtime: Runtime, _ mode: String) async throws {
    try await expectLines(
      try await run(mode, runtime, runtime.programs + "/embedded/Throws.dll"), mode)
  }

  @Test(arguments: Runtime.allCases, modes)
  func beside(_ runtime: Runtime, _ mode: String) async throws {
    try await expectLines(try await run(mode, runtime, try await build()), mode)
  }

  @Test(arguments: Runtime.allCases, modes)
  func atTheRecordedPathOnly(_ runtime: Runtime, _ mode: String) async throws {
    let assembly = try await build()
    let moved = try Lab.shared.get().scratch() + "/Throws.dll"
    try FileManager.default.moveItem(atPath: assembly, toPath: moved)
    try await expectLines(try await run(mode, runtime, moved), mode)
  }

  @Test(arguments: Runtime.allCases, modes)
  func missingAltogether(_ runtime: Runtime, _ mode: String) async throws {
    let assembly = try await build()
    try FileManager.default.removeItem(atPath: pdb(assembly))
    try await expectNoLines(try await run(mode, runtime, assembly), mode)
  }

  @Test(arguments: Runtime.allCases, modes)
  func ofAnotherBuild(_ runtime: Runtime, _ mode: String) async throws {
    let assembly = try await build()
    try await replace(pdb(assembly))
    try await expectNoLines(try await run(mode, runtime, assembly), mode)
  }

  /// A wrong one at the first place hides no right one at the next.
  @Test(arguments: Runtime.allCases)
  func ofAnotherBuildBesideAndTheRightOneElsewhere(_ runtime: Runtime) async throws {
    let assembly = try await build()
    let moved = try Lab.shared.get().scratch() + "/Throws.dll"
    try FileManager.default.moveItem(atPath: assembly, toPath: moved)
    try FileManager.default.copyItem(atPath: pdb(assembly), toPath: pdb(moved))
    try await replace(pdb(moved))
    try await expectLines(try await run("wrapped", runtime, moved), "wrapped")
  }

  /// Whatever lies there must not be believed, nor cost the rest of the report.
  @Test(arguments: Runtime.allCases, ["", "BSJB", "a folder"])
  func damaged(_ runtime: Runtime, _ content: String) async throws {
    let assembly = try await build()
    try FileManager.default.removeItem(atPath: pdb(assembly))
    if content == "a folder" {
      mkdir(pdb(assembly), 0o755)
    } else {
      try Lab.write(content, to: pdb(assembly))
    }
    try await expectNoLines(try await run("wrapped", runtime, assembly), "wrapped")
  }

  private func pdb(_ assembly: String) -> String { assembly.dropLast(3) + "pdb" }

  private func replace(_ pdb: String) async throws {
    let other = self.pdb(try await build(newer: true))
    try FileManager.default.removeItem(atPath: pdb)
    try FileManager.default.copyItem(atPath: other, toPath: pdb)
  }
}
