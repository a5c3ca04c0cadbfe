import Foundation
import Inferior
import Report
import TestSupport
import Testing

@testable import Capture

/// What a report has besides signal and stacks, compared with what the kernel, libc and the processes themselves say.
@Suite(.timeLimit(.minutes(5))) struct EvidenceTests {
  @Test(arguments: ["dies", "dies.static"], ["assert", "double_free", "smash"])
  func lastWordsOfLibc(program: String, way: String) throws {
    let death = try Death(way, program: program)
    #expect(death.outcome.signal == SIGABRT)
    #expect(death.words.count == 1)
    #expect(death.crash.message == death.words.first)
  }

  @Test func anAbortWithoutWordsHasNone() throws {
    let death = try Death("abort")
    #expect(death.crash.kind == .abort && death.crash.message == nil)
    #expect(death.crash.instruction == nil, "no instruction is to blame")
    #expect(death.captured.report.memory.isEmpty)
  }

  @Test func theSenderOfASignalHasANameAndACommandWithoutSecrets() throws {
    let scratch = try Scratch()
    let fixture = try Fixture(
      Child([Places.native("dies"), "sent"], environment: Death.environment(scratch)))
    let sender = try Child([
      "sh", "-c", "kill -SEGV $0; read line", "\(fixture.pid)", "--token=hunter2",
    ])
    let death = try Death(fixture.child, scratch)
    let found = try #require(death.crash.signal?.sender)
    #expect(found.pid == Int(sender.pid) && found.uid == Int(getuid()))
    #expect(found.name == "sh")
    #expect(found.command?.hasPrefix("sh -c kill -SEGV") == true)
    #expect(found.command?.hasSuffix("--token=[redacted]") == true)
    #expect(death.captured.report.report.redacted.contains("/crash/signal/sender/command"))
    #expect(!String(decoding: death.captured.json, as: UTF8.self).contains("hunter2"))
  }

  /// si_pid counts in the receiver's PID namespace: the same number is somebody else here.
  @Test(.enabled(if: geteuid() == 0)) func aSenderInAnotherNamespaceIsNotLookedUp() throws {
    let (here, there) = (
      try Fixture("threads", "1", "3"),
      try Child(
        ["unshare", "-fp", "--mount-proc", Places.native("threads"), "1", "3"])
    )
    #expect(try there.line().hasPrefix("ready"))
    let children = try bytes(of: "/proc/\(there.pid)/task/\(there.pid)/children")
    let inner = try #require(
      Int32(String(decoding: children, as: UTF8.self).trimmingCharacters(in: .whitespaces)))
    func find(_ target: Int32) throws -> String? {
      SignalSender.find(
        pid: getpid(), userID: 0, target: try ProcessDirectory(pid: target))?.0.name
    }
    #expect(try find(here.pid) != nil)
    #expect(try find(inner) == nil)
  }

  /// By the number that the program's own headers have for the name.
  @Test func aRefusedSystemCallHasItsName() throws {
    let words = try output(of: [Places.native("dies"), "refused"]).split { $0.isWhitespace }
    let death = try Death("seccomp")
    #expect(death.outcome.signal == SIGSYS)
    let call = try #require(death.crash.signal?.systemCall)
    #expect([call.name, "\(call.number)"] == words.map(String.init))
  }

  @Test func whenTheStageDiesTheRestIsThere() throws {
    let death = try Death("labelled", environment: ["INQUEST_FAULT": "evidence"])
    let limitation = try #require(death.captured.limitations("evidence").first)
    #expect(limitation.effect == Stage.evidence.effect && limitation.problem.contains("SIGSEGV"))
    #expect(death.crash.kind == .abort && death.crash.thrown == nil)
    let functions = death.captured.report.crashedThread?.functions ?? []
    #expect(functions.contains("std::terminate()"))
    #expect(!death.captured.report.report.complete)
  }
}
