import Foundation
import Report
import ReportReader
import TestSupport
import Testing

@testable import Capture

/// What the supervisor makes of what workers say, who may die in the middle of it.
@Suite struct ReportAssemblerTests {
  private func thread(_ id: Int, crashed: Bool = false, name: String? = nil) -> [UInt8] {
    var record = ThreadRecord(
      id: id, name: name, crashed: crashed, frames: [], frameCount: 0, complete: false,
      endReason: .deadline)
    record.state = "sleeping"
    return littleEndian(UInt32(id)) + JSONStream.encode(record)
  }

  private func assembler() -> ReportAssembler {
    var one = ReportAssembler(request: CaptureRequest(pid: 1, trigger: .crash))
    one.announce()
    return one
  }

  private func report(_ assembler: ReportAssembler) throws -> Report {
    let info = ReportInfo(
      id: "x", createdAt: "2026-11-21T03:25:12Z", trigger: .crash, complete: false,
      collector: .init(name: "c", version: "1"),
      timing: .init(totalMS: 1, frozenMS: assembler.frozen, stages: assembler.stages))
    return try Report(json: assembler.json(info).bytes)
  }

  private func ids(_ assembler: ReportAssembler) throws -> [Int] {
    try report(assembler).threads.map(\.id)
  }

  @Test func threadsStandInTheOrderInWhichTheyWereTold() throws {
    var one = assembler()
    for id in [5, 3, 9] { one.accept(.thread, thread(id)) }
    #expect(try ids(one) == [5, 3, 9])
    // Told again, with more: it keeps its place.
    one.accept(.thread, thread(3, name: "again"))
    #expect(try ids(one) == [5, 3, 9])
    #expect(try report(one).threads[1].name == "again")
    one.accept(.thread, [1, 2, 3, 4])
    one.accept(.thread, [])
    #expect(try ids(one) == [5, 3, 9], "what is too short is no thread")
    // Foundation would read a list that ends in a comma.
    #expect(!String(decoding: one.json(try report(one).report).bytes, as: UTF8.self).contains(",]"))
  }

  /// A first worker took one thread for the crashed one, and died. The next one knows better: its order
  /// counts, and what only the first one had told of comes last.
  @Test func theLastWorkersOrderCounts() throws {
    var one = assembler()
    for id in [5, 3, 9, 7] { one.accept(.thread, thread(id, name: "first")) }
    one.restart()
    #expect(try ids(one) == [3, 5, 7, 9], "nobody's order, so by number")
    for id in [9, 5] { one.accept(.thread, thread(id, crashed: id == 9, name: "second")) }
    #expect(try ids(one) == [9, 5, 3, 7])
    #expect(try report(one).threads.map(\.name) == ["second", "second", "first", "first"])
    one.restart()
    one.accept(.thread, thread(3))
    #expect(try ids(one) == [3, 5, 7, 9])
  }

  @Test func aDeadWorkersWordsStayUntilTheyAreSaidAgain() throws {
    var one = assembler()
    func value(_ key: String, _ json: String) -> [UInt8] {
      Array(key.utf8) + [0] + Array(json.utf8)
    }
    one.accept(.value, value("crash", #"{"kind":"abort","summary":"one"}"#))
    one.accept(.value, value("process", #"{"pid":1,"name":"first"}"#))
    one.accept(.done, [])
    #expect(one.isDone && one.isWhole)
    one.restart()
    #expect(!one.isDone && !one.isWhole, "its last word was not the last")
    one.accept(.value, value("crash", #"{"kind":"fail_fast","summary":"two"}"#))
    one.accept(.value, Array("no zero byte".utf8))
    let report = try report(one)
    #expect(report.crash.kind == .failFast && report.crash.summary == "two")
    #expect(report.process.name == "first")
    one.accept(.done, [1])
    #expect(one.isDone && !one.isWhole)
  }

  @Test func limitationsAndStagesOfSeveralWorkersAreOneList() throws {
    var one = assembler()
    let limitation = Limitation(stage: "walk", problem: "p", effect: "e")
    func stage(_ name: String, _ ms: Double) {
      one.accept(.stage, Array(name.utf8))
      #expect(one.currentStage == name)
      one.accept(.stageEnd, littleEndian(ms.bitPattern))
      #expect(one.currentStage == nil)
    }
    one.add(limitation)
    stage("freeze", 2)
    one.accept(.frozen, littleEndian((1.5).bitPattern))
    one.accept(.stage, Array("walk".utf8))
    one.restart()
    #expect(one.currentStage == nil)
    one.accept(.limitation, JSONStream.encode(limitation))
    one.add(Limitation(stage: "walk", problem: "another", effect: "e"))
    stage("freeze", 3)
    one.accept(.frozen, littleEndian((2.5).bitPattern))
    one.accept(.frozen, [1, 2, 3])
    let report = try report(one)
    #expect(report.limitations.map(\.problem) == ["p", "another"])
    #expect(report.report.timing.stages.map(\.name) == ["freeze"])
    #expect(report.report.timing.stages.map(\.ms) == [5])
    #expect(report.report.timing.frozenMS == 4)
  }
}
