// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// The stacks in a report, against the files that the code came from.
@Suite(.enabled(if: Lab.isReady, "run `make fixtures` first"))
struct StackTests {
  @Test(arguments: Scenario.reporting)
  func framesBeginAtTheFault(_ scenario: Scenario) async throws {
    let run = try await Experiment.of(scenario)
    for (report, verdict) in zip(run.reports, scenario.subject.verdicts(scenario.runtime)) {
      let first = try #require(report.frames.first)
      #expect(!report.handlers.isEmpty)
      for (index, name) in verdict.functions.enumerated() {
        #expect(report.function(index) == name)
      }
      if verdict.hasSignalFrame {
        #expect(report.handlers.last?["signal_frame"].bool == true)
        #expect(first["trust"].text == "context")
        let registers = try #require(report.crashed?["registers"])
        #expect(registers["rip"].address == first["ip"].address)
        #expect(registers["rsp"].address == first["sp"].address)
      } else {
        let isFailFast = scenario.subject.mode.hasPrefix("fail-fast")
        #expect(first["kind"].text == (isFailFast ? "runtime" : "managed"))
      }
    }
  }

  /// Faults are on the very instruction, calls are one byte before the return address.
  @Test(arguments: Scenario.reporting)
  func ourLibrarysFramesAreWhereTheFileHasThem(_ scenario: Scenario) async throws {
    let run = try await Experiment.of(scenario)
    let table = try await SymbolTable.of(scenario.runtime.library)
    for report in run.reports {
      for frame in report.frames where report.modulePath(frame) == scenario.runtime.library {
        let offset = try #require(frame["module_offset"].address)
        let isExact = frame["trust"].text == "context"
        let expected = table.covering(isExact ? offset : offset - 1)
        #expect(expected.map(\.name) == [frame["function"].text])
        #expect(frame["function_offset"].address == expected.first.map { offset - $0.start })
      }
    }
  }

  @Test(arguments: Scenario.reporting)
  func theWalkReachesTheStartOfTheThread(_ scenario: Scenario) async throws {
    let run = try await Experiment.of(scenario)
    for report in run.reports {
      let thread = try #require(report.crashed)
      #expect(thread["complete"].bool == true)
      #expect(thread["end_reason"].text == "outermost")
      let last = try #require(report.frames.last)
      guard thread["id"].int == Int(run.watched.pid) else {
        // Of libc's own functions only debug information knows some.
        #expect(["clone3", "clone", "__clone", nil].contains(last["function"].text))
        #expect(report.modulePath(last)?.hasSuffix("/libc.so.6") == true)
        continue
      }
      // dotnet is stripped: its _start is where the file says that it begins.
      #expect(report.modulePath(last) == scenario.runtime.dotnet)
      let entry = try await SymbolTable.of(scenario.runtime.dotnet).entry
      let offset = try #require(last["module_offset"].address)
      #expect(offset > entry && offset < entry + 0x40)
      #expect(
        report.function(report.machineFrames.count - 2)?.hasPrefix("__libc_start_main") == true)
    }
  }

  @Test(arguments: Scenario.reporting)
  func nativeFramesHaveModulesAndNames(_ scenario: Scenario) async throws {
    let run = try await Experiment.of(scenario)
    for report in run.reports {
      var (all, located) = (0, 0)
      for thread in report.threads {
        // A thread caught in its first instructions has nothing below it yet.
        let isNewborn =
          thread["frames"].list.count == 1
          && thread["frames"].list.first?["function"].text?.hasPrefix("clone") == true
        #expect(thread["complete"].bool == true || isNewborn, "thread \(thread["id"].int ?? 0)")
        let frames = thread["handler_frames"].list + thread["frames"].list
        for frame in frames where frame["kind"].text == "native" {
          all += 1
          guard let path = report.modulePath(frame), let offset = frame["module_offset"].address
          else {
            continue
          }
          located += 1
          try await checkName(frame, offset, path)
        }
      }
      #expect(all > 20)
      #expect(Double(located) >= 0.95 * Double(all), "\(located) of \(all)")
    }
  }

  /// Debug files may name more, and more closely, than the file itself; never less.
  private func checkName(_ frame: JSON, _ offset: UInt64, _ path: String) async throws {
    guard path.hasPrefix("/"), FileManager.default.fileExists(atPath: path) else { return }
    let isExact = frame["trust"].text == "context" || frame["signal_frame"].bool == true
    let known = try await SymbolTable.of(path).covering(isExact ? offset : offset - 1)
    guard let innermost = known.map(\.start).max() else { return }
    let name = try #require(frame["function"].text, "\(path) + \(offset) is \(known.map(\.name))")
    let start = try offset - #require(frame["function_offset"].address)
    #expect(start >= innermost, "\(name) in \(path)")
    guard start == innermost, frame["raw_function"].exists || !name.contains("(") else { return }
    let raw = (frame["raw_function"].text ?? name).prefix { $0 != "@" }
    let aliases = known.filter { $0.start == start }.map(\.name)
    #expect(aliases.contains(String(raw)) || path.contains("libc.so"), "\(name) in \(path)")
  }

  @Test(arguments: [Scenario("native-segv", .net8), Scenario("native-segv", .core3)])
  func modulesHaveTheBuildIDsOfTheirFiles(_ scenario: Scenario) async throws {
    let run = try await Experiment.of(scenario)
    let modules = try #require(run.reports.first).json["modules"].list
    let files = modules.filter { $0["kind"].text == "elf" && $0["deleted"].bool != true }
    #expect(files.count > 8)
    for module in files {
      let path = try #require(module["path"].text)
      #expect(try await SymbolTable.of(path).buildID == module["build_id"].text, "\(path)")
    }
  }
}
