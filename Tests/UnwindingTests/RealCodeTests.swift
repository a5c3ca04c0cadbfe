import Foundation
import Inferior
import Memory
import TestSupport
import Testing

@testable import Unwinding

/// The code of this very process: the C library, the Swift runtime, Foundation.
@Suite(.serialized, .timeLimit(.minutes(5))) struct RealCodeTests {
  /// Some bytes over the process's own memory.
  private struct Overlay: MemorySource {
    var region: RegionMemory
    let live: ProcessMemory
    func read(_ address: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
      let count = region.read(address, into: buffer)
      return count > 0 ? count : live.read(address, into: buffer)
    }
  }

  /// A thread of ours that waits, and what it knows of its own stack.
  private final class Sleeper: @unchecked Sendable {
    let ready = DispatchSemaphore(value: 0)
    let wake = DispatchSemaphore(value: 0)
    var addresses: [UInt64] = []
    var id: Int32 = 0

    init() {
      let thread = Thread { [self] in
        addresses = Thread.callStackReturnAddresses.map { $0.uint64Value }
        let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/thread-self")
        id = link?.split(separator: "/").last.flatMap { Int32($0) } ?? 0
        ready.signal()
        wake.wait()
      }
      thread.start()
    }
  }

  @Test func aSleepingThreadIsWalkedToItsStart() throws {
    let sleeper = Sleeper()
    defer { sleeper.wake.signal() }
    #expect(sleeper.ready.wait(timeout: .now() + 10) == .success)
    let directory = try ProcessDirectory(pid: getpid())
    // From "about to wait" to waiting in the kernel.
    var pointers: BlockedPointers?
    let isBlocked = eventually(5) {
      pointers = directory.blockedThreadPointers(sleeper.id)
      return pointers != nil
    }
    #expect(isBlocked)
    let blocked = try #require(pointers)

    let memory = ProcessMemory(pid: getpid())
    let mappings = MappingTable(text: try bytes(of: "/proc/self/maps"))
    let images = ImageTable(mappings: mappings, memory: memory)
    let walk = Unwinder(memory: memory, images: images, mappings: mappings)
      .walk(from: RegisterSet(blockedAt: blocked), limits: WalkLimits(), isPastDeadline: { false })
    #expect(walk.end == .outermost)
    #expect(walk.steps.dropFirst().allSatisfy { $0.trust == .cfi })
    // All that the thread saw below the block itself, in the same order.
    let seen = walk.steps.map(\.ip)
    let expected = sleeper.addresses.dropFirst(2).prefix { images.containing($0) != nil }
    #expect(expected.count >= 2)
    #expect(seen.suffix(expected.count) == Array(expected)[...], "\(walk)")
    #expect(images.containing(walk.steps[0].ip)?.path.contains("libc.so") == true)
  }

  /// Code in a file that is no ELF file: after such a step libunwind's own accessors unmap, at a later one,
  /// whatever came to lie where they had mapped that file (#739).
  @Test func nothingOfOursIsUnmapped() throws {
    let scratch = try Scratch()
    let fixture = try Fixture("mapped_code", environment: ["TMPDIR": scratch.path])
    #expect(try fixture.goesOn(beyond: 0), "it spins")
    var stopped = try StoppedProcess(
      try ProcessDirectory(pid: fixture.pid), attachUntil: Instant.now, stopWithin: 2000)
    stopped.readRegisters()
    let registers = try #require(stopped.threads.first { $0.id != fixture.pid }?.registers)
    stopped.release()
    let memory = ProcessMemory(pid: fixture.pid)
    let mappings = MappingTable(text: try bytes(of: "/proc/\(fixture.pid)/maps"))
    let images = ImageTable(mappings: mappings, memory: memory)
    #expect(images.containing(registers.instructionPointer)?.path.contains("mapped-") == true)

    var ours: [UnsafeMutableRawPointer] = []
    defer { for mapping in ours { munmap(mapping, 8192) } }
    for _ in 0..<200 {
      let unwinder = Unwinder(memory: memory, images: images, mappings: mappings)
      for _ in 0..<5 {
        let walk = unwinder.walk(
          from: registers, limits: WalkLimits(), isPastDeadline: { false })
        #expect(walk.steps.dropFirst().first?.trust == .framePointer)
        #expect(walk.end == .outermost && walk.count >= 4)
        let mapping = mmap(nil, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        ours.append(try #require(mapping))
      }
    }
    var resident = [UInt8](repeating: 0, count: 2)
    // ENOMEM where nothing is mapped (mincore(2)).
    #expect(ours.allSatisfy { mincore($0, 8192, &resident) == 0 })
  }

  /// Where neither tables nor the frame pointer help, the nearest word that follows a call in a function
  /// with unwind information is taken, marked as what it is.
  @Test(arguments: [0, 1, 39, 159, 160]) func theScanFindsTheNearestReturnAddress(position: Int)
    throws
  {
    let live = ProcessMemory(pid: getpid())
    var mappings = MappingTable(text: try bytes(of: "/proc/self/maps")).mappings
    let images = ImageTable(mappings: MappingTable(mappings), memory: live)
    let function = UInt64(UInt(bitPattern: dlsym(nil, "qsort_r")))
    #expect(function != 0)
    let code = try #require(live.bytes(at: function, count: 400))
    let call = try #require(code.indices.dropFirst(8).first { code[$0] == 0xe8 })
    let returnAddress = function + UInt64(call) + 5

    let stack: UInt64 = 0x1000_0000
    var words = [UInt64](repeating: 0xdead_beef, count: 512)
    words[position] = returnAddress
    let jit: UInt64 = 0x2000_0000
    mappings += [
      Mapping(start: stack, end: stack + 4096, permissions: "rw-p"),
      Mapping(start: jit, end: jit + 4096, permissions: "rwxp"),
    ]
    mappings.sort { $0.start < $1.start }
    let memory = Overlay(
      region: RegionMemory((stack, words.flatMap { littleEndian($0) })), live: live)
    var registers = RegisterSet()
    registers.rip = jit
    registers.rsp = stack
    registers.rbp = 5
    let walk = Unwinder(memory: memory, images: images, mappings: MappingTable(mappings))
      .walk(from: registers, limits: WalkLimits(), isPastDeadline: { false })
    if position < 160 {
      #expect(walk.steps.count >= 2)
      #expect(walk.steps.dropFirst().first?.ip == returnAddress)
      #expect(walk.steps.dropFirst().first?.trust == .scan)
      #expect(walk.steps.dropFirst().first?.sp == stack + UInt64(position) * 8 + 8)
    } else {
      #expect(walk.count == 1)
      #expect(walk.end == .noUnwindInformation)
    }
  }
}
