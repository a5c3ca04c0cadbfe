import Foundation
import Inferior
import Memory
import TestSupport
import Testing

@testable import Capture
@testable import Unwinding

/// What is copied beside the stacks, because no file has it.
@Suite(.timeLimit(.minutes(5))) struct UnwindCopyTests {
  /// Stops a process, copies what a capture copies, and lets it go.
  private func copy(_ pid: Int32) throws -> (
    stopped: [StoppedThread], mappings: MappingTable, memory: SnapshotMemory
  ) {
    var stopped = try StoppedProcess(
      ProcessDirectory(pid: pid), attachUntil: .now, stopWithin: 2000)
    stopped.readRegisters()
    let mappings = MappingTable(text: try bytes(of: "/proc/\(pid)/maps"))
    let live = ProcessMemory(pid: pid)
    // Once the process is gone its memory cannot be read: nothing comes from there by the way.
    let memory = SnapshotMemory(live: ProcessMemory(pid: pid))
    let threads = stopped.threads
    #expect(
      StackCopy.take(
        threads, pid: pid, mappings: mappings, live: live, into: memory, isOverBudget: { false }))
    UnwindCopy.take(
      UnwindCopy.wanted(mappings, live: live), live: live, into: memory, isOverBudget: { false })
    stopped.release()
    return (threads, mappings, memory)
  }

  private func walk(
    _ thread: StoppedThread, _ mappings: MappingTable, _ memory: SnapshotMemory
  ) throws -> Walk {
    let images = ImageTable(mappings: mappings, memory: memory)
    return Unwinder(memory: memory, images: images, mappings: mappings).walk(
      from: try #require(thread.registers), limits: WalkLimits(), isPastDeadline: { false })
  }

  /// A program that was replaced by a newer one, and ends before its stack has been walked.
  @Test func aDeletedProgramIsWalkedWhenItIsGone() throws {
    let scratch = try Scratch()
    let path = scratch.file("service")
    _ = try output(of: ["cp", try Places.accuracy("gcc-static-pie"), path])
    let fixture = try Fixture(words: [path])
    try FileManager.default.removeItem(atPath: path)
    let (threads, mappings, memory) = try copy(fixture.pid)
    let expected = try threads.map { try walk($0, mappings, memory) }
    #expect(expected.allSatisfy { $0.end == .outermost && $0.count > 3 })
    _ = try fixture.end()
    #expect(ProcessMemory(pid: fixture.pid).bytes(at: mappings.mappings[0].start, count: 8) == nil)

    // With a reader that has seen nothing before. Signal trampolines are told by their code, which is not copied.
    let alone = memory.sharing(live: ProcessMemory(pid: fixture.pid))
    let plain = zip(threads, expected).filter {
      $1.steps.dropFirst().allSatisfy { $0.trust == .cfi && !$0.isSignalTrampoline }
    }
    #expect(plain.count * 2 > threads.count)
    for (thread, expected) in plain {
      let walk = try walk(thread, mappings, alone)
      #expect(walk.steps.map(\.ip) == expected.steps.map(\.ip) && walk.end == .outermost)
      #expect(walk.steps.dropFirst().allSatisfy { $0.trust == .cfi })
    }
  }

  @Test func theVDSOIsCopiedAndFilesAreNot() throws {
    let fixture = try Fixture("threads", "2", "2")
    let (_, mappings, memory) = try copy(fixture.pid)
    let vdso = try #require(mappings.mappings.first { $0.path == "[vdso]" })
    #expect(memory.copied(around: vdso.start) == vdso.start..<vdso.end)
    let libc = try #require(mappings.mappings.first { $0.path.contains("libc.so") })
    #expect(memory.copied(around: libc.start) == nil)
  }

  @Test func noTimeNoCopy() throws {
    let fixture = try Fixture("threads", "2", "2")
    let mappings = MappingTable(text: try bytes(of: "/proc/\(fixture.pid)/maps"))
    let live = ProcessMemory(pid: fixture.pid)
    let memory = SnapshotMemory(live: live)
    UnwindCopy.take(
      UnwindCopy.wanted(mappings, live: live), live: live, into: memory, isOverBudget: { true })
    let vdso = try #require(mappings.mappings.first { $0.path == "[vdso]" })
    #expect(memory.copied(around: vdso.start) == nil)
  }

  /// Headers are the target's to write.
  @Test func nothingIsCopiedThatIsNotTheImages() {
    func image(_ header: ElfSegment, _ load: ElfSegment, kind: Image.Kind = .elf) -> Image {
      Image(
        kind: kind, path: "/x", isDeleted: true, base: 0x1_0000, end: 0x2_0000, loadBias: 0x1_0000,
        segments: [load, header])
    }
    func segment(_ type: UInt32, _ address: UInt64, _ size: UInt64) -> ElfSegment {
      ElfSegment(
        type: type, flags: 4, offset: address, address: address, fileSize: size, memorySize: size)
    }
    let table = segment(ElfSegment.exceptionFrameHeader, 0x800, 0x10)
    #expect(
      UnwindCopy.ranges(of: image(table, segment(ElfSegment.load, 0, 0x2000)))
        == [0x1_0000..<0x1_1000, 0x1_0800..<0x1_2000])
    for (header, load): (UInt64, UInt64) in [(0x800, .max), (.max, .max), (0x2000, 0x2000)] {
      let ranges = UnwindCopy.ranges(
        of: image(
          segment(ElfSegment.exceptionFrameHeader, header, 1), segment(ElfSegment.load, 0, load)))
      #expect(ranges.allSatisfy { $0.lowerBound >= 0x1_0000 && $0.upperBound <= 0x2_0000 })
    }
    var data = segment(ElfSegment.load, 0, 0x2000)
    data.flags = 6
    #expect(
      UnwindCopy.ranges(of: image(table, data))
        == [0x1_0000..<0x1_1000, 0x1_0800..<0x1_2000, 0x1_0000..<0x1_2000])
    #expect(UnwindCopy.ranges(of: image(table, table)).isEmpty, "no segment holds it")
    #expect(UnwindCopy.ranges(of: image(table, table, kind: .jit)).isEmpty)
  }
}
