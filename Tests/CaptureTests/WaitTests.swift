import Foundation
import Report
import TestSupport
import Testing

/// Who waits for whom, by what the waiting threads have printed themselves.
@Suite(.timeLimit(.minutes(5))) struct WaitTests {
  private struct Told {
    var thread: Int
    /// Nil of a thread that waits for no lock.
    var wait: WaitRecord?
    var words: String
  }

  /// A program, and what it has said of its threads.
  private func start(_ name: String, by launcher: [String] = []) throws -> (Fixture, [Told]) {
    var told: [Told] = []
    let fixture = try Fixture(Child(launcher + [Places.native(name)])) { line in
      let words = line.split(separator: " ").map(String.init)
      var one = Told(thread: try #require(Int(words[1])), words: line)
      if words[0] == "waits" {
        let address = try #require(UInt64(words[3].dropFirst(2), radix: 16))
        let owner = try #require(Int(words[4]))
        one.wait = WaitRecord(
          kind: .init(rawValue: words[2]), address: HexNumber(address),
          owner: owner == 0 ? nil : owner)
      }
      told.append(one)
    }
    return (fixture, told)
  }

  /// Mutexes of all kinds, read-write locks, one that is locked twice, a deadlock of two; and waits for a
  /// condition, a semaphore, a thread, a bare futex.
  @Test(arguments: ["locks", "locks.static", "locks.musl", "locks.musl_static"])
  func everyLockIsToldWithItsOwner(_ program: String) throws {
    let (fixture, told) = try start(program)
    #expect(told.count == 19 && told.count { $0.wait != nil } == 13)
    let before = try fixture.beat()
    let captured = try Captured(fixture.pid)
    for one in told {
      let thread = try #require(captured.report.threads.first { $0.id == one.thread })
      // In a static program of musl's nothing on the stack is named after the lock: a mutex can be told by its
      // looks, a read-write lock cannot.
      let isLost = program == "locks.musl_static" && one.wait?.kind == .rwlock
      #expect(thread.waitsFor == (isLost ? nil : one.wait), "\(one.words); \(thread.functions)")
    }
    #expect(captured.report.threads.count == told.count)
    #expect(try fixture.goesOn(beyond: before))
    // Interrupted, those with a time limit wait in another system call.
    let again = try Captured(fixture.pid)
    for (first, second) in zip(captured.report.threads, again.report.threads) {
      #expect(first.waitsFor == second.waitsFor)
    }
  }

  /// Those two that wait for each other, found by nothing but the report.
  @Test func aDeadlockIsACycle() throws {
    let (fixture, told) = try start("locks")
    let report = try Captured(fixture.pid).report
    var owners: [Int: Int] = [:]
    for thread in report.threads { owners[thread.id] = thread.waitsFor?.owner }
    let cycle = owners.filter { $0.value != $0.key && owners[$0.value] == $0.key }
    #expect(cycle.count == 2)
    for (thread, owner) in cycle {
      #expect(told.contains { $0.thread == thread && $0.wait?.owner == owner })
    }
    #expect(owners.count { $0.value == $0.key } == 1, "the one that has locked twice")
    let verdict = try #require(report.diagnoses.first)
    #expect(verdict.rule == "deadlock" && verdict.confidence == .high)
    #expect(verdict.summary == "Deadlock: 2 threads wait for each other; and 1 more such")
  }

  /// Locks hold the ids that threads call themselves, the report those that we see.
  @Test(.enabled(if: geteuid() == 0, "it takes root to make a namespace"))
  func ownersInAContainerAreThreadsOfTheReport() throws {
    let (fixture, told) = try start("locks", by: ["unshare", "--pid", "--fork", "--kill-child"])
    let launcher = fixture.child.pid
    let children = try bytes(of: "/proc/\(launcher)/task/\(launcher)/children")
    let pid = try #require(
      Int32(String(decoding: children, as: UTF8.self).split(separator: " ").first ?? ""))
    #expect(fixture.pid == 1 && pid != 1)
    let captured = try Captured(pid)
    var ours: [Int: Int] = [:]
    for thread in captured.report.threads {
      let status = try bytes(of: "/proc/\(pid)/task/\(thread.id)/status")
      let line = String(decoding: status, as: UTF8.self).split(separator: "\n")
        .first { $0.hasPrefix("NSpid:") }
      ours[try #require(line?.split(separator: "\t").last.flatMap { Int($0) })] = thread.id
    }
    for one in told {
      let thread = try #require(captured.report.threads.first { $0.id == ours[one.thread] })
      var wait = one.wait
      wait?.owner = one.wait?.owner.flatMap { ours[$0] }
      #expect(thread.waitsFor == wait, "\(one.words)")
    }
  }

  @Test func mutexesOfLanguages() throws {
    for program in ["mutexes", "mutexes.rust"] {
      let (fixture, told) = try start(program)
      let captured = try Captured(fixture.pid)
      for one in told {
        let thread = try #require(captured.report.threads.first { $0.id == one.thread })
        #expect(thread.waitsFor == one.wait, "\(program): \(one.words)")
      }
      #expect(captured.report.threads.count == 2)
    }
  }

  @Test func showSaysWhoWaitsForWhom() throws {
    let (fixture, told) = try start("mutexes")
    let scratch = try Scratch()
    let path = scratch.file("report.json")
    _ = try run([Places.inquest, "capture", "\(fixture.pid)", "-o", path])
    let shown = try run([Places.inquest, "show", path])
    let wait = try #require(told.compactMap(\.wait).first)
    let owner = try #require(wait.owner)
    let line = "waits for mutex \(wait.address), held by thread \(owner) \"mutexes\""
    #expect(String(decoding: shown.output, as: UTF8.self).contains(line))
  }
}
