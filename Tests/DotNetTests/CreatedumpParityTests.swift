// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// Stacks in our report, against those in .NET 8's own crash report of the same process: the real createdump
/// looks at it right after us.
@Suite(.enabled(if: Lab.isReady, "run `make fixtures` first"))
struct CreatedumpParityTests {
  static let scenarios = Scenario.throwing.filter(\.hasCreatedumpReport)

  @Test(arguments: scenarios)
  func everyManagedFrameIsThere(_ scenario: Scenario) async throws {
    let run = try await Experiment.of(scenario)
    let (report, other) = (try run.report, try Self.other(run))
    var (compared, exact) = (0, 0)
    for thread in other.threads where !thread.frames.isEmpty {
      let ours = try #require(report.threads.first { $0["id"].int == thread.id })
      // One that has moved on meanwhile has another stack; the crashed one and our two cannot.
      let isSame =
        ours["registers"]["rip"].address == thread.ip
        && ours["registers"]["rsp"].address == thread.sp
      guard isSame || thread.isCrashed else { continue }
      compared += 1
      let frames = ours["handler_frames"].list + ours["frames"].list
      let lost = thread.frames.filter { frame in
        !frames.contains { $0["ip"].address == frame.ip && $0["raw_function"].text == frame.method }
      }
      #expect(lost.isEmpty, "on thread \(thread.id), in\n\(listing(frames))")
      for frame in thread.frames where !frame.mvid.isEmpty && !frame.method.contains("IL_STUB") {
        let same = frames.first { $0["ip"].address == frame.ip && $0["sp"].address == frame.sp }
        // The cycles of a recursion are listed once.
        guard let same else { continue }
        #expect(same["managed"]["token"].address == frame.token)
        // Of code that was compiled again createdump measures from where the first version was.
        let offset = try #require(same["function_offset"].address)
        #expect(offset <= frame.offset)
        if offset == frame.offset { exact += 1 }
        #expect(same["managed"]["mvid"].text == frame.mvid)
        #expect(same["managed"]["assembly"].text == frame.file)
        compared += 1
      }
      // In the same order.
      var rest = Self.unfolded(frames).compactMap { $0["raw_function"].text }[...]
      let isInOrder = thread.frames.allSatisfy { frame in
        guard let index = rest.firstIndex(of: frame.method) else { return false }
        rest = rest[(index + 1)...]
        return true
      }
      #expect(isInOrder, "\(thread.frames.map(\.method)) in\n\(listing(frames))")
    }
    // lock-waiter, sleeper, and the crashed one if it has any.
    #expect(compared >= 6)
    #expect(exact > 0)
  }

  /// The frames of a recursion as often as they are there.
  private static func unfolded(_ frames: [JSON]) -> [JSON] {
    var result: [JSON] = []
    for (index, frame) in frames.enumerated() {
      result.append(frame)
      guard let period = frame["repeated"]["frames"].int, let times = frame["repeated"]["times"].int
      else { continue }
      for _ in 1..<times { result += frames[index..<(index + period)] }
    }
    return result
  }

  @Test(arguments: scenarios)
  func theCrashedThreadIsTheSame(_ scenario: Scenario) async throws {
    let run = try await Experiment.of(scenario)
    let (report, threads) = (try run.report, try Self.other(run).threads)
    let crashed = try #require(threads.first { $0.isCrashed })
    #expect(report.crash["thread_id"].int == crashed.id)
    guard scenario.subject.end == .exception else { return }
    let exception = report.json["exception"]
    // It leaves out which type a nested type is nested in.
    let (type, other) = (exception["type"].text ?? "", crashed.exceptionType ?? "none")
    #expect(type == other || type.hasSuffix("+" + other), "\(type) is \(other) to createdump")
    #expect(exception["hresult"].text == crashed.hresult)
    #expect(report.crashed?["managed"]["exception_type"].text == type)
  }

  private static func other(_ run: Experiment) throws -> CreatedumpReport {
    let report = try CreatedumpReport(run.folder + "/core.crashreport.json")
    guard report.threads.contains(where: { !$0.frames.isEmpty }) else {
      throw LabFailure(description: "createdump's report is empty")
    }
    return report
  }
}
