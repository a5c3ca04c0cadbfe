// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// Whoever wanted dumps still gets them, from the real createdump and at the very same place.
@Suite(.enabled(if: Lab.isReady, "run `make fixtures` first"))
struct DumpTests {
  /// Triage dumps, the smallest kind.
  private func wanted(_ runtime: Runtime, _ changes: [String: String] = [:]) -> [String: String] {
    var result = [
      runtime.prefix + "DbgEnableMiniDump": "1", runtime.prefix + "DbgMiniDumpType": "3",
    ]
    for (name, value) in changes { result[runtime.prefix + name] = value }
    return result
  }

  private func expectSame(_ run: Run, _ plain: Run) {
    #expect(run.outcome.ending == plain.outcome.ending)
    #expect(run.files == plain.files)
    #expect(run.text(\.output) == plain.text(\.output))
    var without = run
    without.outcome.errors = run.outcome.normalErrors
    #expect(without.text(\.errors) == plain.text(\.errors))
  }

  @Test(
    arguments: Runtime.allCases,
    [nil, "named.%d", "/dev/shm/../../tmp/iqt-core.%d", "missing/folder.%d"])
  func enabledDumpsAreWritten(_ runtime: Runtime, _ name: String?) async throws {
    let settings = wanted(runtime, name.map { ["DbgMiniDumpName": $0] } ?? [:])
    for mode in ["exception", "native-segv"] {
      let plain = try await Run.of(mode, on: runtime, .off, settings)
      let run = try await Run.of(mode, on: runtime, .on, settings)
      expectSame(run, plain)
      #expect(run.reports.count == 1)
      for one in [plain, run] {
        let elsewhere = "/tmp/iqt-core.\(one.outcome.pid)"
        defer { unlink(elsewhere) }
        switch name {
        case nil: #expect(one.isCore(one.unnamedCore))
        case "named.%d": #expect(one.files == ["named.#"] && one.isCore("named.#"))
        case "missing/folder.%d": #expect(one.files.isEmpty)
        default: #expect(one.isCore(elsewhere))
        }
      }
    }
  }

  @Test(arguments: Runtime.allCases)
  func neverMeansNoDump(_ runtime: Runtime) async throws {
    let run = try await Run.of(
      "exception", on: runtime, .on, wanted(runtime).merging(["INQUEST_CREATEDUMP": "never"]) { $1 }
    )
    #expect(run.reports.count == 1)
    #expect(run.files.isEmpty && !run.isCore(run.unnamedCore))
    #expect(run.outcome.ending == .killed(SIGABRT))
    #expect(run.outcome.output == "")
  }

  @Test(arguments: Runtime.allCases)
  func alwaysMeansADump(_ runtime: Runtime) async throws {
    let run = try await Run.of("exception", on: runtime, .on, ["INQUEST_CREATEDUMP": "always"])
    #expect(run.reports.count == 1)
    #expect(run.isCore(run.unnamedCore))
    #expect(run.outcome.ending == .killed(SIGABRT))
  }

  @Test(arguments: Runtime.allCases, ["DOTNET_", "COMPlus_"])
  func disabledDumpsStayDisabled(_ runtime: Runtime, _ prefix: String) async throws {
    let settings = [prefix + "DbgEnableMiniDump": "0", prefix + "DbgMiniDumpName": "unwanted"]
    let plain = try await Run.of("exception", on: runtime, .off, settings)
    let run = try await Run.of("exception", on: runtime, .on, settings)
    expectSame(run, plain)
    #expect(run.reports.count == 1)
    #expect(run.files.isEmpty)
  }

  /// `dotnet-dump collect`: no crash, so none of our business.
  @Test(arguments: Runtime.allCases)
  func aRequestGoesToTheRealCreatedump(_ runtime: Runtime) async throws {
    let run = try await Gate.programs.run {
      let place = try Run.Place("wait", on: runtime, .on)
      let program = try place.start(readsInput: true)
      #expect(await program.wait(20, until: { program.output.hasSuffix("\n") }))
      let answer = try await Program.run(
        [Lab.requestDump, "\(program.pid)", place.folder + "/asked-for"], within: 60)
      #expect(answer.ending == .exited(0), "\(answer.errors)")
      program.write("go on\n")
      return try await place.finish(program)
    }
    #expect(run.files == ["asked-for"])
    #expect(run.isCore("asked-for"))
    #expect(run.reports.isEmpty)
    #expect(run.outcome.ourLines.isEmpty)
    #expect(run.outcome.ending == .exited(0))
    #expect(run.outcome.output.hasSuffix("survived\n"))
  }
}
