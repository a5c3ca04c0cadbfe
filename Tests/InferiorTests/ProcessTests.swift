import Foundation
import Memory
import TestSupport
import Testing

@testable import Inferior

/// What is read of a process without stopping it.
@Suite(.timeLimit(.minutes(5))) struct ProcessTests {
  @Test(arguments: [0, -1, Int32.min, Int32.max])
  func whatIsNoProcessIsSaidSo(pid: Int32) throws {
    #expect(throws: InferiorError.noSuchProcess(pid: pid)) { _ = try ProcessDirectory(pid: pid) }
  }

  /// /proc/TID exists, though it is not listed.
  @Test func aThreadIsNoProcess() throws {
    let fixture = try Fixture("threads", "2", "2")
    let thread = try #require(fixture.states.keys.first { $0 != fixture.pid })
    #expect(throws: InferiorError.noSuchProcess(pid: thread)) {
      _ = try ProcessDirectory(pid: thread)
    }
  }

  /// The directory stays that of the process it was opened for.
  @Test func aProcessThatHasGoneIsNotMistakenForItsSuccessor() throws {
    let fixture = try Fixture("threads", "2", "2")
    let directory = try ProcessDirectory(pid: fixture.pid)
    let (threads, executable) = (directory.threadIDs(), directory.link("exe"))
    #expect(threads.count == 3)
    #expect(executable == (try Places.native("threads")))
    _ = try fixture.end()
    let (left, status, link) = (directory.threadIDs(), directory.status(), directory.link("exe"))
    #expect(left.isEmpty && status == nil && link == nil)
    do throws(InferiorError) {
      let stopped = try StoppedProcess(directory, attachUntil: .now, stopWithin: 10)
      Issue.record("stopped \(stopped.threads.count) threads of nobody")
    } catch {
      #expect(error == .vanished(pid: fixture.pid))
    }
  }

  @Test func namesOfThreadsMayHoldAnything() throws {
    let fixture = try Fixture(words: [
      "bash", "-c", "printf '%s' 'a) S (b\n' >/proc/$$/comm; echo ready $$; read line",
    ])
    // In steps, because #require cannot copy what is not copyable.
    let directory = try ProcessDirectory(pid: fixture.pid)
    let known = directory.threadNameAndState(fixture.pid)
    let (name, state) = try #require(known)
    #expect(name == "a) S (b\n" || name == "a) S (b")
    #expect("RSD".contains(state))
  }

  @Test func statusIsRead() throws {
    let status = ProcessStatus(
      text: Array(
        """
        Name:\tmy server
        State:\tS (sleeping)
        Tgid:\t42
        PPid:\t7
        TracerPid:\t9
        Uid:\t1000\t0\t0\t0
        Gid:\t1001\t0\t0\t0
        NSpid:\t42\t3\t1
        VmSize:\t  100 kB
        Threads:\t5
        garbage
        :
        """.utf8))
    #expect(status.name == "my server")
    #expect(status.state == "S")
    #expect(status.threadGroupID == 42 && status.parentPID == 7 && status.tracerPID == 9)
    #expect(status.userID == 1000 && status.groupID == 1001)
    #expect(status.namespacePIDs == [42, 3, 1])
    #expect(status.threadCount == 5)
    #expect(!status.hasNoMemory)
    #expect(ProcessStatus(text: []).hasNoMemory)
    #expect(ProcessStatus(text: [0xff, 0x3a, 0x0a, 0x0a]) == ProcessStatus(text: []))
  }

  @Test func blockedThreadsShowWhereTheyAre() throws {
    let fixture = try Fixture("threads", "4", "10")
    let directory = try ProcessDirectory(pid: fixture.pid)
    let maps = directory.contents(of: "maps")
    let mappings = MappingTable(text: try #require(maps))
    for id in fixture.states.keys where id != fixture.pid {
      let found = directory.blockedThreadPointers(id)
      let pointers = try #require(found)
      #expect(mappings.containing(pointers.instructionPointer)?.isExecutable == true)
      #expect(mappings.containing(pointers.stackPointer)?.isWritable == true)
    }
    let spin = try Fixture("spin")
    let spinner = try #require(spin.states.keys.first { $0 != spin.pid })
    let spinning = try ProcessDirectory(pid: spin.pid)
    let pointers = spinning.blockedThreadPointers(spinner)
    #expect(pointers == nil)
  }

  @Test func memoryIsReadUpToTheHole() throws {
    let fixture = try Fixture("threads", "2", "2")
    let mappings = MappingTable(text: try bytes(of: "/proc/\(fixture.pid)/maps")).mappings
    let memory = ProcessMemory(pid: fixture.pid)
    // A readable mapping with a hole, or something unreadable, above it.
    let (one, _) = try #require(
      zip(mappings, mappings.dropFirst()).first {
        $0.isReadable && $0.isFile && ($0.end < $1.start || !$1.isReadable)
      })
    for count in [8, 16, 5000, 100_000] {
      #expect(memory.prefix(at: one.end - 8, atMost: count).count == 8, "\(count)")
      #expect(memory.bytes(at: one.end - 8, count: count) == nil || count == 8)
    }
    #expect(
      memory.prefix(at: one.end - 8, atMost: 8) == memory.prefix(at: one.end - 8, atMost: 9000))
    #expect(memory.prefix(at: 0, atMost: 8).isEmpty)
    // A read across pages gives what two reads give.
    let at = one.start &+ 4096 - 3
    if one.end - one.start >= 8192 {
      let across = memory.prefix(at: at, atMost: 6)
      #expect(across == memory.prefix(at: at, atMost: 3) + memory.prefix(at: at + 3, atMost: 3))
    }
  }

  @Test func everyRefusalNamesARemedy() {
    let refusals: [Refusal] = [
      .tracedBy(pid: 5), .yama(scope: 1), .yama(scope: 2), .yama(scope: 3), .otherUser(id: 0),
      .notDumpable, .filtered, .unknown(errno: 1),
    ]
    let errors: [InferiorError] =
      refusals.map { .notPermitted(pid: 42, $0) }
      + [.noSuchProcess(pid: 42), .vanished(pid: 42), .kernelThread(pid: 42)]
    for error in errors {
      #expect(error.description.contains("42"))
      #expect(!error.description.contains("\n") && !error.remedy.contains("\n"))
      #expect(!error.remedy.isEmpty)
    }
    #expect(Set(errors.map(\.description)).count == errors.count)
  }

  @Test func instantsDoNotTrap() {
    let now = Instant.now
    #expect(now.advanced(byMilliseconds: -5) == now)
    #expect(now.milliseconds(since: now.advanced(byMilliseconds: 1000)) == 0)
    #expect(now.advanced(byMilliseconds: 1500).milliseconds(since: now) == 1500)
    #expect(Instant.now >= now)
  }
}
