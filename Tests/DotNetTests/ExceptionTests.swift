// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// The exception in a report, against what the runtime printed of it in the same run.
@Suite(.enabled(if: Lab.isReady, "run `make fixtures` first"))
struct ExceptionTests {
  @Test func everyModeIsTested() async throws {
    let printed = try await Program.run([Runtime.net8.dotnet, Runtime.net8.program("Throws")])
    let modes = printed.output.split(separator: "\n").map(String.init)
    #expect(Set(modes) == Set(Case.throwing.map(\.mode) + ["wait", "locks"]))
  }

  @Test(arguments: Scenario.throwing(.exception))
  func typesAreThePrintedOnes(_ scenario: Scenario) async throws {
    let run = try await Experiment.of(scenario)
    let (report, words) = (try run.report, try run.words)
    guard words.heading != .outOfMemory else {
      #expect(report.json["exception"]["type"].text == "System.OutOfMemoryException")
      return
    }
    let printed = try #require(words.exception)
    walk(report.json["exception"], printed) { found, printed in
      #expect(found["type"].text == printed.type)
      #expect(
        found["inner"].list.map { $0["type"].text } == printed.inner.map(\.type),
        "inside of \(printed.type)")
    }
  }

  @Test(arguments: Scenario.printed)
  func messagesAreThePrintedOnes(_ scenario: Scenario) async throws {
    let run = try await Experiment.of(scenario)
    let printed = try #require(try run.words.exception)
    walk(try run.report.json["exception"], printed) { found, printed in
      guard let message = found["message"].text else {
        Issue.record("no message of \(printed.type)")
        return
      }
      switch scenario.subject.mode {
      case _ where scenario.subject.saysMessage: break
      case "message-overridden":
        // Only its own code knows what it would say; the message that it was made with is in that.
        #expect(!message.isEmpty && printed.message?.contains(message) == true)
      default:
        #expect(same(message, printed.message ?? ""), "\(message) is printed as \(printed)")
      }
    }
  }

  /// What is not readable on standard error, the program has told in another way.
  @Test(arguments: Scenario.throwing.filter(\.subject.saysMessage))
  func messagesAreTheProgramsOwn(_ scenario: Scenario) async throws {
    let run = try await Experiment.of(scenario)
    let (said, found) = (
      try run.saidMessage, try run.report.json["exception"]["message"].text ?? ""
    )
    guard scenario.subject.mode == "message-megabyte" else {
      #expect(same(said, found), "\(found.debugDescription) is \(said.debugDescription)")
      return
    }
    #expect(said.utf8.count > 1_000_000)
    let common = zip(said.utf8, found.utf8).prefix { $0 == $1 }.count
    #expect(common >= 1000, "the beginning is there")
    #expect(found.utf8.count < 200_000, "it is cut")
    // What follows the beginning says that something is missing.
    let mark = String(decoding: found.utf8.dropFirst(common), as: UTF8.self)
    #expect(found.utf8.count > common && mark.utf8.count < 200, "\(mark)")
    #expect(try Data(contentsOf: URL(fileURLWithPath: run.report.path)).count < 4_000_000)
  }

  /// Method, file and line of each, in order. There may be more: the runtime leaves some out.
  @Test(arguments: Scenario.printed)
  func everyPrintedFrameIsThere(_ scenario: Scenario) async throws {
    let run = try await Experiment.of(scenario)
    let (report, words) = (try run.report, try run.words)
    let printed = try #require(try await run.expectedException)
    // Or there is nothing to compare: each of these programs has the line that threw.
    #expect(printed.all.contains { !$0.frames.isEmpty })
    let hasLines = printed.all.contains { $0.frames.contains { $0.line != nil } }
    #expect(words.heading == .fatal || hasLines)
    if words.heading == .fatal {
      // A fault that was never thrown has left its mark on the stack alone.
      let lost = missing(printed.frames, in: report.frames)
      #expect(lost.isEmpty, "in\n\(listing(report.frames))")
      return
    }
    walk(report.json["exception"], printed) { found, printed in
      let lost = missing(printed.frames, in: found["frames"].list)
      #expect(lost.isEmpty, "of \(printed.type) in\n\(listing(found["frames"].list))")
    }
  }

  /// Nothing of ours claims more than the runtime does: where it has no file, neither have we.
  @Test(arguments: Scenario.printed)
  func linesAreOnlyWherePrintedOnesAre(_ scenario: Scenario) async throws {
    let run = try await Experiment.of(scenario)
    let words = try run.words
    guard words.heading == .unhandled, let printed = words.exception else { return }
    walk(try run.report.json["exception"], printed) { found, printed in
      let lines = found["frames"].list.filter { $0["line"].exists }.count
      #expect(lines == printed.frames.count { $0.line != nil }, "of \(printed.type)")
    }
  }

  /// Of what the compiler has made, `function` says in which method a developer has written it.
  @Test(arguments: Scenario.printed)
  func namesAreADevelopers(_ scenario: Scenario) async throws {
    let run = try await Experiment.of(scenario)
    let printed = try #require(try run.words.exception)
    guard try run.words.heading == .unhandled else { return }
    walk(try run.report.json["exception"], printed) { found, printed in
      for frame in printed.frames {
        let one = found["frames"].list.first {
          $0.isFrame(RuntimeWords.Frame(method: frame.method))
        }
        let function = one?["function"].text ?? ""
        let name = MethodName(frame.method)
        // How constructors, operators and finalizers are written is a matter of taste.
        let written = (name.written ?? "").split(separator: "_").last ?? "?"
        let isOther =
          name.written?.hasPrefix(".") == true || name.written?.hasPrefix("op_") == true
          || written == "Finalize"
        #expect(isOther || function.contains(written), "\(function) is \(name)")
        for noise in ["`", "__Canon", "<>", "[[", ">b__", ">d__", ">g__", "DisplayClass"] {
          #expect(!function.contains(noise), "\(function) is \(name)")
        }
        // Of MoveNext methods only those of async ones are printed under another name.
        let isMachine = one?.rawFunction?.contains(".MoveNext(") == true
        guard isMachine, !frame.method.contains("MoveNext") else { continue }
        #expect(function.hasPrefix("async "), "\(function) is \(name)")
      }
    }
  }

  @Test(arguments: Scenario.throwing(.exception, .failFast))
  func theKindIsRight(_ scenario: Scenario) async throws {
    let report = try await Experiment.of(scenario).report
    let isFailFast = scenario.subject.end == .failFast
    #expect(report.crash["kind"].text == (isFailFast ? "fail_fast" : "managed_exception"))
    if scenario.subject.mode == "access-violation" {
      #expect(report.signal["number"].int == Int(SIGSEGV))
      #expect(report.signal["address"].address == 0x7ead_0000)
    }
    #expect(report.json["runtime"]["inspection"].text == "ok")
  }

  @Test(arguments: Scenario.printed)
  func theSummarySaysIt(_ scenario: Scenario) async throws {
    let run = try await Experiment.of(scenario)
    let words = try run.words
    let printed = try #require(try await run.expectedException)
    let summary = try #require(try run.report.crash["summary"].text)
    #expect(summary.contains(printed.type))
    #expect(!summary.contains("\n"))
    if !scenario.subject.saysMessage, scenario.subject.mode != "message-overridden" {
      let line = (printed.message ?? "").split(whereSeparator: \.isNewline).first ?? ""
      #expect(line.isEmpty || summary.contains(line.prefix(80)))
    }
    guard words.heading == .unhandled else { return }
    // The innermost frame that a developer can open in an editor.
    if let frame = printed.frames.first(where: { $0.line != nil }), let file = frame.file {
      let name = URL(fileURLWithPath: file).lastPathComponent
      #expect(summary.contains("\(name):\(frame.line ?? 0)"), "\(summary)")
    }
    if printed.frames.count > 1 { #expect(summary.contains("called from"), "\(summary)") }
  }

  @Test(arguments: Scenario.throwing(.failFast))
  func failFastIsExplained(_ scenario: Scenario) async throws {
    let run = try await Experiment.of(scenario)
    let (report, words) = (try run.report, try run.words)
    #expect(words.heading == .terminated)
    let message = (words.message ?? "").split(whereSeparator: \.isNewline).first ?? ""
    let summary = report.crash["summary"].text ?? ""
    #expect(!summary.isEmpty && (message.isEmpty || summary.contains(message)))
    #expect(words.frames.count > 2)
    let lost = missing(words.frames, in: report.frames)
    #expect(lost.isEmpty, "in\n\(listing(report.frames))")
    guard let printed = try await run.expectedException else {
      #expect(scenario.subject.mode != "fail-fast-exception")
      // The runtime keeps one at hand for this; the words are the program's.
      let exception = report.json["exception"]
      #expect(exception["type"].text == "System.ExecutionEngineException")
      #expect(exception["message"].text == words.message ?? "")
      #expect(missing(words.frames, in: exception["frames"].list).isEmpty)
      return
    }
    walk(report.json["exception"], printed) { found, printed in
      #expect(found["type"].text == printed.type)
      #expect(found["message"].text == printed.message)
      #expect(found["inner"].list.count == printed.inner.count)
      let lost = missing(printed.frames, in: found["frames"].list)
      #expect(lost.isEmpty, "of \(printed.type) in\n\(listing(found["frames"].list))")
    }
  }

  /// The runtime prints nothing, so the program says where it is, by the runtime's own stack trace.
  @Test(arguments: Scenario.throwing(.fault))
  func whoCalledIntoFaultingCodeIsNamed(_ scenario: Scenario) async throws {
    let run = try await Experiment.of(scenario)
    let report = try run.report
    #expect(report.crash["kind"].text == "native_fault")
    let told = try #require(BlockedThread.all(in: run.watched.output).first)
    #expect(told.frames.count >= 3)
    let lost = missing(told.reliable(scenario.runtime), in: report.frames)
    #expect(lost.isEmpty, "in\n\(listing(report.frames))")
    #expect(report.function(0) == "write_to")
    // From the callback on: managed, native, managed.
    guard scenario.subject.mode == "native-segv-in-callback" else { return }
    let names = report.frames.map { $0.rawFunction ?? "" }
    let order = ["FaultCalledBack", "crash_call_back", "FaultInCallback"].map { part in
      names.firstIndex { $0.contains(part) }
    }
    #expect(!order.contains(nil) && order.compactMap(\.self).sorted() == order.compactMap(\.self))
  }

  @Test func everyReportIsValid() async throws {
    var paths: [String] = []
    for scenario in Scenario.throwing {
      paths.append(try await Experiment.of(scenario).report.path)
    }
    #expect(paths.count > 200)
    #expect(try await ReportFile.violations(paths) == "")
  }

  /// Goes through both trees as far as they have the same shape, and says where they have not.
  private func walk(
    _ found: JSON, _ printed: RuntimeWords.Exception,
    _ body: (JSON, RuntimeWords.Exception) -> Void
  ) {
    guard found.exists else {
      Issue.record("no \(printed.type)")
      return
    }
    body(found, printed)
    let inner = found["inner"].list
    for (index, one) in printed.inner.enumerated() {
      walk(inner.indices.contains(index) ? inner[index] : JSON(nil), one, body)
    }
  }
}
