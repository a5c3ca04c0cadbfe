import Foundation
import Memory
import Synchronization
import TestSupport
import Testing

@testable import Inferior

/// Stopping real processes with real ptrace.
///
/// A tracer is a thread, so each test stops, reads and releases on one thread, without suspension.
@Suite(.timeLimit(.minutes(5))) struct StopTests {
  private func stop(
    _ fixture: Fixture, patience: Double = 0, within: Double = 2000
  ) throws -> StoppedProcess {
    try StoppedProcess(
      try ProcessDirectory(pid: fixture.pid),
      attachUntil: Instant.now.advanced(byMilliseconds: patience), stopWithin: within)
  }

  @Test func whoeverIsNotAskedInTimeRunsOnAndIsReadAllTheSame() throws {
    let fixture = try Fixture("threads", "64", "50")
    let directory = try ProcessDirectory(pid: fixture.pid)
    let wanted = try #require(directory.threadIDs().last)
    var stopped = try StoppedProcess(
      directory, first: wanted, attachUntil: .now, askWithin: 0, stopWithin: 2000)
    #expect(stopped.threads.count == 65)
    #expect(stopped.threads.first?.id == wanted)
    #expect(stopped.threads.first?.hold == .stopped)
    #expect(stopped.threads.dropFirst().allSatisfy { $0.hold == .none(.noTime) })
    #expect(fixture.states.values.count { $0 == "t" } == 1)
    stopped.readPointers(directory, of: .none(.noTime))
    #expect(stopped.threads.count { $0.pointers != nil } > 50)
    stopped.release()
    #expect(fixture.states.values.allSatisfy { $0 != "t" })
  }

  /// Waiting to be allowed is no freeze: nobody stands still for it, and nobody is given up for want of time.
  @Test func whoIsTracedByAnotherIsRefusedHoweverLongThatTakes() throws {
    let fixture = try Fixture("threads", "8", "5")
    let held = try stop(fixture)
    let pid = fixture.pid
    // A tracer is a thread: any other is a stranger.
    let error = Mutex<InferiorError?>(nil)
    let finished = DispatchSemaphore(value: 0)
    Thread.detachNewThread {
      do throws(InferiorError) {
        _ = try StoppedProcess(
          try ProcessDirectory(pid: pid), attachUntil: Instant.now.advanced(byMilliseconds: 60),
          askWithin: 20, stopWithin: 100)
      } catch let found {
        error.withLock { $0 = found }
      }
      finished.signal()
    }
    finished.wait()
    guard case .notPermitted = error.withLock({ $0 }) else {
      Issue.record("\(String(describing: error.withLock { $0 }))")
      return
    }
    #expect(held.threads.allSatisfy { $0.hold == .stopped })
  }

  @Test func everyThreadIsStoppedReadAndReleased() throws {
    let fixture = try Fixture("threads", "64", "50")
    let before = try fixture.beat()
    do {
      var stopped = try stop(fixture)
      #expect(stopped.threads.count == 65)
      #expect(stopped.threads.allSatisfy { $0.hold == .stopped })
      #expect(fixture.states.values.allSatisfy { $0 == "t" })
      stopped.readRegisters()
      let mappings = MappingTable(text: try bytes(of: "/proc/\(fixture.pid)/maps"))
      for thread in stopped.threads {
        let registers = try #require(thread.registers)
        #expect(mappings.containing(registers.instructionPointer)?.isExecutable == true)
        #expect(mappings.containing(registers.stackPointer)?.isWritable == true)
      }
      #expect(Set(stopped.threads.compactMap { $0.registers?.stackPointer }).count == 65)
      stopped.release()
      #expect(stopped.threads.allSatisfy { $0.hold == .released })
    }
    #expect(fixture.runs())
    #expect(try fixture.goesOn(beyond: before))
    #expect(try fixture.end().status == 0)
  }

  @Test func goingOutOfScopeReleases() throws {
    let fixture = try Fixture("threads", "8", "3")
    do {
      let stopped = try stop(fixture)
      #expect(stopped.threads.count == 9)
    }
    #expect(fixture.runs())
    #expect(try fixture.goesOn(beyond: try fixture.beat()))
  }

  /// A thread that computes has no system call to be found in.
  @Test func aSpinningThreadIsStopped() throws {
    let fixture = try Fixture("spin")
    #expect(try fixture.goesOn(beyond: 0), "it spins")
    do {
      var stopped = try stop(fixture)
      stopped.readRegisters()
      #expect(stopped.threads.allSatisfy { $0.hold == .stopped && $0.registers != nil })
      #expect(stopped.threads.contains { $0.name == "spinner" && $0.state == "R" })
      let spinner = try #require(stopped.threads.first { $0.name == "spinner" })
      #expect(spinner.registers?.systemCall == nil)
    }
    #expect(fixture.runs())
    #expect(try fixture.goesOn(beyond: try fixture.beat()))
  }

  @Test func whatWasStoppedStaysStopped() throws {
    let fixture = try Fixture("stopped")
    #expect(eventually(3) { fixture.states[fixture.pid] == "T" })
    for _ in 0..<3 {
      do {
        let stopped = try stop(fixture)
        #expect(stopped.threads.map(\.hold) == [.stopped])
        #expect(stopped.threads.map(\.state) == ["T"])
      }
      #expect(eventually(3) { fixture.states[fixture.pid] == "T" })
    }
    kill(fixture.pid, SIGCONT)
    #expect(try fixture.child.line() == "continued")
    #expect(try fixture.goesOn(beyond: try fixture.beat()))
  }

  @Test func aZombieLeaderDoesNotHideItsThreads() throws {
    let fixture = try Fixture("zombie_leader")
    do {
      var stopped = try stop(fixture)
      stopped.readRegisters()
      #expect(stopped.threads.count == 3)
      let leader = try #require(stopped.threads.first { $0.id == fixture.pid })
      #expect(leader.hold == .none(.exited))
      #expect(leader.state == "Z")
      #expect(stopped.threads.count { $0.hold == .stopped && $0.registers != nil } == 2)
      let live = try #require(stopped.threads.first { $0.hold == .stopped })
      let header = ProcessMemory(pid: live.id).prefix(
        at: try #require(live.registers).stackPointer, atMost: 16)
      #expect(header.count == 16, "memory is read through a living thread")
    }
    #expect(fixture.runs())
    #expect(try fixture.goesOn(beyond: try fixture.beat()))
  }

  /// Seizing and interrupting succeed, and no stop ever comes: eu-stack and gdb hang on it.
  @Test func aVforkParentIsNotWaitedFor() throws {
    let fixture = try Fixture("vfork_parent")
    let begun = Date()
    do {
      let stopped = try stop(fixture, within: 100)
      #expect(stopped.threads.first { $0.id == fixture.pid }?.hold == .stopping)
      #expect(stopped.threads.first { $0.name == "survivor" }?.hold == .stopped)
    }
    #expect(Date().timeIntervalSince(begun) < 5)
    #expect(fixture.runs())
    #expect(try fixture.goesOn(beyond: try fixture.beat()))
  }

  /// Each thread may be gone at any step, and others appear (field bug 12).
  @Test func threadsThatComeAndGoAreNoError() throws {
    let fixture = try Fixture("exiting")
    #expect(try fixture.goesOn(beyond: 0), "the producer has its name by then")
    let before = try fixture.beat()
    for round in 0..<50 {
      do {
        var stopped = try stop(fixture)
        stopped.readRegisters()
        #expect(stopped.threads.contains { $0.name == "producer" && $0.hold == .stopped })
        // Whoever is alive is stopped: nobody was forgotten.
        let states = fixture.states
        #expect(states.values.allSatisfy { "tZX".contains($0) }, "round \(round): \(states)")
      }
    }
    #expect(fixture.runs())
    #expect(try fixture.goesOn(beyond: before))
  }

  @Test func rootMayStopWhatIsNotDumpable() throws {
    guard geteuid() == 0 else { return }
    let fixture = try Fixture("nondumpable")
    do {
      let stopped = try stop(fixture)
      #expect(stopped.threads.map(\.hold) == [.stopped])
    }
    #expect(try fixture.goesOn(beyond: try fixture.beat()))
  }

  /// The fixture as the child of somebody else, who says how it ended: who waits for a process must not
  /// have to wait for its tracer.
  private func fixtureOfAnother() throws -> Fixture {
    try Fixture(words: [
      "sh", "-c", "exec 3<&0; \"$@\" <&3 & exec 3<&-; wait $!; echo ended $?", "sh",
      Places.native("threads"), "4", "3",
    ])
  }

  /// SIGTERM arrives while everybody stands still: it must end the process afterwards.
  @Test func aSignalThatArrivesMeanwhileIsNotLost() throws {
    for _ in 0..<5 {
      let fixture = try fixtureOfAnother()
      var stopped = try stop(fixture)
      #expect(stopped.threads.count == 5)
      kill(fixture.pid, SIGTERM)
      stopped.release()
      #expect(try fixture.child.line(timeout: 5) == "ended 143")
    }
  }

  /// A service that is killed while we look at it is gone at once for whoever waits for it.
  @Test func beingKilledMeanwhileIsNotHeldUp() throws {
    for _ in 0..<5 {
      let fixture = try fixtureOfAnother()
      var stopped = try stop(fixture)
      kill(fixture.pid, SIGKILL)
      stopped.readRegisters()
      stopped.release()
      #expect(try fixture.child.line(timeout: 5) == "ended 137")
    }
  }

  /// A signal that is on its way at the very moment of the stop is reported to the tracer in place of
  /// the interruption; it has to be passed on.
  @Test func aSignalThatRacesTheStopIsNotLost() throws {
    for _ in 0..<15 {
      let fixture = try fixtureOfAnother()
      let pid = fixture.pid
      let killer = Thread { kill(pid, SIGTERM) }
      killer.start()
      do {
        var stopped = try stop(fixture)
        stopped.release()
      } catch is InferiorError {}  // it was faster
      #expect(try fixture.child.line(timeout: 5) == "ended 143")
    }
  }

  /// Nobody stands still for the sake of a thread that a debugger keeps: the others' turn comes at once.
  @Test func oneThreadOfADebuggersIsNotWaitedFor() throws {
    let fixture = try Fixture("threads", "12", "2")
    let directory = try ProcessDirectory(pid: fixture.pid)
    let held = directory.threadIDs()[5]
    let tracer = try Child(["strace", "-o", "/dev/null", "-p", "\(held)"])
    #expect(eventually(10) { tracers(fixture.pid).contains(tracer.pid) })
    // Less than the wait for another capture's threads. A busy machine may need several attempts for all.
    let isEveryoneAsked = eventually(10) {
      guard
        let stopped = try? StoppedProcess(
          directory, attachUntil: .now, askWithin: 10, stopWithin: 2000)
      else { return false }
      return stopped.threads.count { $0.hold == .stopped } == 12
        && stopped.threads.first { $0.id == held }?.hold == StoppedThread.Hold.none(.refused)
    }
    #expect(isEveryoneAsked)
    kill(tracer.pid, SIGTERM)
    _ = try tracer.finish(timeout: 10)
    #expect(fixture.runs())
  }

  @Test func whatIsTracedAlreadyIsRefusedByName() throws {
    let fixture = try Fixture("threads", "2", "2")
    let tracer = try Child(["strace", "-f", "-o", "/dev/null", "-p", "\(fixture.pid)"])
    // One thread after the other.
    #expect(eventually(10) { tracers(fixture.pid) == [tracer.pid] })
    do {
      let stopped = try stop(fixture)
      Issue.record("stopped \(stopped.threads.count) threads of a traced process")
    } catch let error as InferiorError {
      #expect(error == .notPermitted(pid: fixture.pid, .tracedBy(pid: tracer.pid)))
      #expect(error.description.contains("\(tracer.pid)") && error.remedy.contains("debugger"))
    }
    kill(tracer.pid, SIGTERM)
    _ = try tracer.finish(timeout: 10)
    #expect(fixture.runs())
    #expect(try fixture.goesOn(beyond: try fixture.beat()))
  }

  private func status(_ pid: Int32) -> ProcessStatus? {
    (try? bytes(of: "/proc/\(pid)/status")).map { ProcessStatus(text: $0) }
  }

  /// Who traces the threads of a process; 0 for nobody.
  private func tracers(_ pid: Int32) -> Set<Int32> {
    let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")) ?? []
    return Set(
      tasks.compactMap { task in
        (try? bytes(of: "/proc/\(pid)/task/\(task)/status")).map {
          ProcessStatus(text: $0).tracerPID
        }
      })
  }
}
