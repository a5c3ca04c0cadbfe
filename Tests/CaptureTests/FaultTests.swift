import Foundation
import Report
import ReportReader
import TestSupport
import Testing

@testable import Capture

/// The collector's own death, at every stage and at any instant: there is a report, it says so, and the
/// program runs on.
@Suite(.timeLimit(.minutes(5))) struct FaultTests {
  @Test(arguments: Stage.allCases.flatMap { [($0, false), ($0, true)] })
  func aStageThatDiesCostsThatStageOnly(stage: Stage, hangs: Bool) throws {
    let fixture = try Fixture("threads", "4", "10")
    let before = try fixture.beat()
    let words = [try Places.inquest, "capture", "\(fixture.pid)", "-o", "-", "--timeout", "4"]
    let captured = try Captured(
      words: words + (stage == .debuginfod ? ["--debuginfod"] : []),
      environment: ["INQUEST_FAULT": stage.rawValue + (hangs ? ":hang" : "")])
    #expect(captured.outcome.status == ExitStatus.partial)
    #expect(captured.outcome.seconds < 5)
    #expect(!captured.report.report.complete)
    let limitation = try #require(captured.limitations(stage.rawValue).first)
    #expect(limitation.problem.contains(hangs ? "hung" : "SIGSEGV"))
    #expect(limitation.problem.contains(stage.rawValue))
    #expect(limitation.effect == stage.effect)
    #expect(limitation.remedy?.isEmpty == false)

    // What the other stages know is there.
    let report = captured.report
    #expect(report.threads.count == 5)
    #expect(!report.memoryMap.isEmpty)
    let names = report.threads.flatMap(\.functions)
    switch stage {
    case .freeze where hangs:
      // Nobody was stopped a second time; these threads are blocked, and the kernel shows where.
      #expect(report.threads.allSatisfy { $0.registers == nil })
      #expect(names.count { $0 == "level_10" } == 4)
    case .freeze, .managed, .diagnosis, .evidence:
      #expect(names.count { $0 == "level_10" } == 4)
    case .images:
      #expect(report.threads.allSatisfy { !$0.frames.isEmpty })
    case .walk:
      #expect(report.threads.allSatisfy { $0.frames.count { $0.kind != .inlined } == 1 })
      #expect(!report.modules.isEmpty)
    case .symbols:
      #expect(report.threads.allSatisfy { $0.frames.count > 2 && $0.complete })
      // What has debug information is named by that.
      let bare = report.threads.flatMap(\.frames).filter { $0.file == nil }
      #expect(!bare.isEmpty && bare.allSatisfy { $0.function == nil })
    case .lines:
      #expect(names.count { $0 == "level_10" } == 4)
      #expect(report.threads.flatMap(\.frames).allSatisfy { $0.file == nil && $0.kind == .native })
      // Everything else had been told: nobody was stopped a second time.
      #expect(report.report.timing.stages.count { $0.name == "freeze" } == 1)
      #expect(report.limitations.count == 1, "\(report.limitations)")
    case .debuginfod:
      #expect(report.threads.flatMap(\.frames).contains { $0.file?.hasSuffix("threads.c") == true })
      #expect(report.report.timing.stages.count { $0.name == "freeze" } == 1)
      #expect(report.limitations.count == 1, "\(report.limitations)")
    }
    #expect(fixture.runs())
    #expect(try fixture.goesOn(beyond: before))
  }

  /// Field bug 14: 30 instants, from before the freeze to after it.
  @Test func aKilledCollectorLeavesNobodyStopped() throws {
    let fixture = try Fixture("threads", "64", "30")
    let before = try fixture.beat()
    var killed = 0
    for round in 0..<30 {
      let child = try Child([
        Places.collector, "capture", "--pid", "\(fixture.pid)", "--output", "/dev/null",
      ])
      // Not a wait for anything: the instant is what is tried out. The freeze is between 3 and 15 ms.
      usleep(UInt32(1000 + round * 700))
      kill(child.pid, SIGKILL)
      if try child.finish(timeout: 5).signal == SIGKILL { killed += 1 }
      #expect(fixture.runs(), "round \(round): \(fixture.states)")
    }
    #expect(killed >= 10, "the instants were too late: only \(killed) of 30 died")
    #expect(try fixture.goesOn(beyond: before))
    #expect(fixture.states.count == 65)
  }

  /// The supervisor dies while its worker holds the process: the worker must not hold on alone.
  @Test func aWorkerDoesNotOutliveItsSupervisor() throws {
    let fixture = try Fixture("threads", "4", "3")
    let child = try Child(
      [Places.collector, "capture", "--pid", "\(fixture.pid)", "--output", "/dev/null"],
      environment: ["INQUEST_FAULT": "walk:hang"])
    #expect(eventually(5) { !children(of: child.pid).isEmpty })
    let worker = try #require(children(of: child.pid).first)
    kill(child.pid, SIGKILL)
    _ = try child.finish(timeout: 5)
    #expect(eventually(5) { threadStates(worker).values.allSatisfy { $0 == "Z" } })
    #expect(fixture.runs())
  }

  /// A vfork parent comes back while its tracer is at work on something else: it must run on, and not
  /// stand still until the tracer is done.
  @Test func aThreadThatStopsLateIsLetGoOf() throws {
    let fixture = try Fixture("vfork_parent")
    let vforked = try #require(children(of: fixture.pid).first)
    let child = try Child(
      [
        Places.collector, "capture", "--pid", "\(fixture.pid)", "--output", "/dev/null",
        "--timeout", "60",
      ], environment: ["INQUEST_FAULT": "walk:hang"])
    let isPastFreeze = eventually(5) {
      guard let worker = children(of: child.pid).first else { return false }
      let call = try? String(decoding: bytes(of: "/proc/\(worker)/wchan"), as: UTF8.self)
      return call?.contains("pause") == true
    }
    #expect(isPastFreeze)
    #expect(tracer(of: fixture.pid) != 0, "the collector still is its tracer")
    kill(vforked, SIGKILL)
    #expect(eventually(5) { tracer(of: fixture.pid) == 0 }, "\(fixture.states)")
    #expect(fixture.runs())
    kill(child.pid, SIGKILL)
    _ = try child.finish(timeout: 5)
  }

  private func children(of pid: Int32) -> [Int32] {
    let text = try? bytes(of: "/proc/\(pid)/task/\(pid)/children")
    return String(decoding: text ?? [], as: UTF8.self).split(separator: " ").compactMap {
      Int32($0)
    }
  }

  private func tracer(of pid: Int32) -> Int32 {
    let text = (try? bytes(of: "/proc/\(pid)/status")) ?? []
    let line = String(decoding: text, as: UTF8.self).split(separator: "\n").first {
      $0.hasPrefix("TracerPid:")
    }
    return line.flatMap { Int32($0.split(separator: "\t").last ?? "") } ?? -1
  }

  /// A process that ends meanwhile gives a report or one clear line, and nothing in between.
  @Test func aProcessThatVanishesIsNoTrouble() throws {
    for round in 0..<40 {
      let short = try Child(["sh", "-c", "exec sleep 0.0\(round % 10)\(round % 7)"])
      usleep(UInt32(round % 8) * 2000)
      let outcome = try run([
        Places.collector, "capture", "--pid", "\(short.pid)", "--output", "-",
      ])
      switch outcome.status {
      case ExitStatus.done, ExitStatus.partial:
        _ = try Report(json: outcome.output)
      case ExitStatus.failure, ExitStatus.notPermitted:
        #expect(outcome.output.isEmpty)
        #expect(outcome.complaints.count == 1, "\(outcome)")
      default: Issue.record("\(outcome)")
      }
      _ = try short.finish(timeout: 5)
    }
  }

  @Test func aFreezeBudgetOfNothingStillGivesAReport() throws {
    let fixture = try Fixture("threads", "64", "20")
    let captured = try Captured(fixture.pid, "--max-freeze", "1")
    #expect(captured.report.threads.count == 65)
    #expect(captured.limitations("freeze").allSatisfy { $0.remedy != nil || $0.threadID != nil })
    #expect(fixture.runs())
  }
}
