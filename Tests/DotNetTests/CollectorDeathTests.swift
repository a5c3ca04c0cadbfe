// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// The collector breaks in every way that INQUEST_FAULT knows, or is killed; the report is what could be had,
/// and the application ends as ever.
@Suite(.enabled(if: Lab.isReady, "run `make fixtures` first"))
struct CollectorDeathTests {
  static let stages = ["freeze", "images", "walk", "symbols", "lines", "diagnosis"]

  @Test(arguments: stages, Runtime.allCases)
  func aStageThatDiesCostsThatStage(_ stage: String, _ runtime: Runtime) async throws {
    let run = try await Run.of("native-segv", on: runtime, .on, ["INQUEST_FAULT": stage])
    #expect(run.outcome.ending == .killed(SIGSEGV))
    #expect(run.outcome.ourLines.count == 2)
    let report = try #require(run.reports.first)
    #expect(run.reports.count == 1)
    let limitation = try #require(report.limitations.first { $0["stage"].text == stage })
    #expect(limitation["problem"].text?.contains("SIGSEGV") == true)
    try await check(report, without: stage, run)
  }

  private static var canHaveCores: Bool {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
    let pattern = try? String(contentsOfFile: "/proc/sys/kernel/core_pattern", encoding: .utf8)
    return limit.rlim_max == rlim_t.max && pattern?.hasPrefix("core") == true
  }

  /// Where core files are wanted, the service's are; not those of a worker or an inspector.
  @Test(
    .enabled(if: canHaveCores, "core files are forbidden here, or go elsewhere"),
    arguments: ["walk", "inspector:always", "inspector-method:always"])
  func nobodyOfOursLeavesACoreFile(_ fault: String) async throws {
    try await Gate.programs.run {
      let place = try Run.Place("wait", on: .net8, .off)
      let program = try place.start(readsInput: true)
      #expect(await program.wait(20, until: { program.output.hasSuffix("\n") }))
      let (folder, report) = (try Lab.shared.get().scratch(), place.folder + "/report.json")
      let script = "ulimit -S -c unlimited; exec \"$@\""
      let capture = [Lab.collector, "capture", "--pid", "\(program.pid)", "--output", report]
      let shell = try Program(
        ["/bin/sh", "-c", script, "sh"] + capture,
        environment: ["PATH": "/usr/bin:/bin", "INQUEST_FAULT": fault], scratch: folder)
      _ = await shell.finish()
      let limitations = try ReportFile(report).limitations
      #expect(limitations.contains { $0["problem"].text?.contains("SIGSEGV") == true })
      let names = try FileManager.default.contentsOfDirectory(atPath: folder)
      #expect(names.filter { $0.hasPrefix("core") } == [])
      program.write("go on\n")
      _ = await program.finish()
    }
  }

  @Test(arguments: ["freeze", "walk", "symbols"])
  func aStageThatHangsCostsThatStage(_ stage: String) async throws {
    let run = try await Run.of(
      "native-segv", on: .net8, .on, ["INQUEST_FAULT": stage + ":hang", "INQUEST_TIMEOUT": "4"],
      within: 15)
    #expect(run.outcome.ending == .killed(SIGSEGV))
    let report = try #require(run.reports.first)
    let limitation = try #require(report.limitations.first { $0["stage"].text == stage })
    #expect(limitation["problem"].text?.contains("hung") == true)
    #expect((report.json["report"]["timing"]["total_ms"].double ?? .infinity) < 4500)
    // After a freeze that hung nobody is stopped again: blocked threads are walked as far as the two
    // registers lead that the kernel shows.
    guard stage != "freeze" else {
      #expect(report.threads.count > 8)
      #expect(report.crashed?["id"].int == Int(run.outcome.pid))
      #expect(report.crash["kind"].text == "native_fault")
      let problems = try await ReportFile.violations([report.path])
      #expect(problems == "")
      return
    }
    try await check(report, without: stage, run)
  }

  private func check(_ report: ReportFile, without stage: String, _ run: Run) async throws {
    #expect(report.json["report"]["complete"].bool == false)
    #expect(report.crashed?["id"].int == Int(run.outcome.pid))
    // 3.1 announces nothing: all that is known of its signals is on the stack, and has to be understood.
    let isKnown = run.runtime == .net8 || !["walk", "diagnosis"].contains(stage)
    #expect(report.crash["kind"].text == (isKnown ? "native_fault" : "unknown"))
    #expect(report.signal["address"].address == (isKnown ? 8 : nil))
    #expect(report.threads.count > 8)
    #expect(report.json["memory_map"].list.count > 50)
    #expect(report.json["process"]["name"].text == "dotnet")
    if stage != "images" {
      #expect(report.json["modules"].list.count > 10)
      #expect(report.json["runtime"]["version"].text == run.runtime.rawValue)
    }
    if stage != "images", stage != "walk" {
      #expect(report.crashed?["complete"].bool == true)
      #expect(report.frames.count > 15)
      // Where there is debug information, it has names as well.
      #expect(report.function(0) == "write_to")
      let file = report.frames[0]["file"].text
      #expect(stage == "lines" ? file == nil : file?.hasSuffix("/native.c") == true)
    }
    let problems = try await ReportFile.violations([report.path])
    #expect(problems == "")
  }

  @Test(arguments: Runtime.allCases)
  func theWholeCollectorIsKilled(_ runtime: Runtime) async throws {
    let (run, family) = try await Gate.programs.run {
      let place = try Run.Place(
        "exception", on: runtime, .on, ["INQUEST_FAULT": "walk:hang", "INQUEST_TIMEOUT": "200"])
      let program = try place.start()
      var family: [pid_t] = []
      #expect(
        await program.wait(60) {
          // The supervisor is a child of the application, the worker is its only one.
          let supervisor = Self.children(program.pid).filter { Self.name($0) == "inquest-collect" }
          family = supervisor + supervisor.flatMap(Self.children)
          return family.count == 2
        })
      // Not while it freezes anyone, but while it hangs.
      try await Task.sleep(for: .milliseconds(300))
      if let supervisor = family.first { kill(supervisor, SIGKILL) }
      return (try await place.finish(program, within: 10), family)
    }
    let plain = try await Experiment.of(Scenario("exception", runtime)).plain
    #expect(run.outcome.ending == plain.ending)
    #expect(run.outcome.normalErrors == plain.normalErrors)
    #expect(run.reports.isEmpty)
    try await Task.sleep(for: .milliseconds(100))
    for pid in family { #expect(Self.name(pid) != "inquest-collect", "\(pid) lives on") }
  }

  private static func children(_ pid: pid_t) -> [pid_t] {
    let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")) ?? []
    return tasks.flatMap { task in
      let text = try? String(contentsOfFile: "/proc/\(pid)/task/\(task)/children", encoding: .utf8)
      return (text ?? "").split(separator: " ").compactMap { pid_t($0) }
    }
  }

  private static func name(_ pid: pid_t) -> String? {
    try? String(contentsOfFile: "/proc/\(pid)/comm", encoding: .utf8).trimmingCharacters(
      in: .whitespacesAndNewlines)
  }

  /// Of the largest of its processes; each is measured by the kernel, to its very end.
  @Test func itStaysSmall() async throws {
    let lab = try Lab.shared.get()
    let source = lab.folder + "/measure.c"
    let measuring = lab.folder + "/measuring-collector"
    try Lab.write(
      """
      #include <stdio.h>
      #include <stdlib.h>
      #include <sys/resource.h>
      #include <sys/wait.h>
      #include <unistd.h>
      int main(int argc, char **argv) {
        struct rusage usage;
        int status;
        (void)argc;
        pid_t pid = fork();
        if (pid == 0) { execv("\(Lab.collector)", argv); _exit(127); }
        if (wait4(pid, &status, 0, &usage) != pid) return 1;
        FILE *file = fopen(getenv("MEASURED"), "w");
        fprintf(file, "%d %ld", status, usage.ru_maxrss);
        return fclose(file);
      }

      """, to: source)
    _ = try await Program.output(["cc", "-o", measuring, source])
    for mode in ["exception", "native-segv", "overflow"] {
      let file = "\(lab.folder)/measured-\(mode)"
      let run = try await Run.of(
        mode, on: .net8, .on, ["INQUEST_COLLECTOR": measuring, "MEASURED": file])
      #expect(run.reports.count == 1)
      let words = try String(contentsOfFile: file, encoding: .utf8).split(separator: " ")
      #expect(words.first == "0")
      let kilobytes = try #require(Int(words[1]))
      #expect(kilobytes > 1000 && kilobytes < 64 * 1024, "\(mode): \(kilobytes) kB")
    }
  }
}
