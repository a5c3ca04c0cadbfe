import Foundation
import Report
import ReportReader
import TestSupport
import Testing

@testable import Capture

/// Threads on their way from a worker to the report: through the file in memory, or the socket.
@Suite(.timeLimit(.minutes(5))) struct ThreadSpoolTests {
  private func record(_ id: Int, name: String = "t") -> ThreadRecord {
    ThreadRecord(
      id: id, name: name, crashed: false, frames: [], frameCount: id, complete: true,
      endReason: .outermost)
  }

  /// What a supervisor makes of what `tell` tells it.
  private func told(
    spool: ThreadSpool?, descriptor: CInt? = nil, _ tell: (FactSender) -> Void
  ) throws -> (assembler: ReportAssembler, spooled: Int, inline: Int) {
    var one = ReportAssembler(request: CaptureRequest(pid: 1, trigger: .manual))
    one.announce()
    one.restart(spool: spool)
    let pipe = Pipe()
    let reading = Reading(pipe.fileHandleForReading)
    do {
      let sender = FactSender(
        descriptor: dup(pipe.fileHandleForWriting.fileDescriptor),
        spool: descriptor ?? spool?.descriptor ?? -1)
      tell(sender)
      sender.send(.done, [])
    }
    try pipe.fileHandleForWriting.close()
    var parser = FactParser()
    var (spooled, inline) = (0, 0)
    reading.bytes().withUnsafeBytes {
      parser.take($0) { kind, payload in
        if kind == .spooledThread { spooled += 1 }
        if kind == .thread { inline += 1 }
        one.accept(kind, payload)
      }
    }
    return (one, spooled, inline)
  }

  private func report(_ assembler: ReportAssembler) throws -> Report {
    let info = ReportInfo(
      id: "x", createdAt: "2026-11-21T03:25:12Z", trigger: .manual, complete: true,
      collector: .init(name: "c", version: "1"),
      timing: .init(totalMS: 1, frozenMS: 1, stages: []))
    return try Report(json: assembler.json(info).bytes)
  }

  private func tellMany(_ sender: FactSender) {
    let ids = Array(1...2000)
    sender.send(.threads, ids.reversed().flatMap { Framing.header($0) })
    for id in ids {
      var batch = ThreadBatch()
      batch.append(record(id, name: String(repeating: "n", count: 300)))
      sender.send(batch)
    }
    var batch = ThreadBatch()
    for id in 1...2000 { batch.append(record(id, name: String(repeating: "m", count: id % 400))) }
    sender.send(batch)
  }

  @Test func manyThreadsGoThroughTheFile() throws {
    let spool = try #require(ThreadSpool())
    let (assembler, spooled, inline) = try told(spool: spool, tellMany)
    #expect(spooled == 4000 && inline == 0)
    #expect(assembler.missingThreads == 0)
    let threads = try report(assembler).threads
    #expect(threads.map(\.id) == (1...2000).reversed(), "in the order that was announced")
    #expect(threads.allSatisfy { $0.name?.utf8.count == $0.id % 400 }, "told again, with more")
  }

  /// No such file, or no room in it: a limit on file sizes holds for it as well.
  @Test(arguments: [true, false]) func withoutAFileTheyTakeTheSocket(hasFile: Bool) throws {
    let full = open("/dev/full", O_WRONLY)
    defer { close(full) }
    let (assembler, spooled, inline) = try told(
      spool: ThreadSpool(), descriptor: hasFile ? full : -1, tellMany)
    #expect(spooled == 0 && inline == 4000)
    #expect(try report(assembler).threads.map(\.id) == (1...2000).reversed())
  }

  /// A worker that has lost its mind may tell of anything.
  @Test func whatIsNotThereIsNotRead() throws {
    let spool = try #require(ThreadSpool())
    #expect(pwrite(spool.descriptor, ",{}", 3, 0) == 3)
    var one = ReportAssembler(request: CaptureRequest(pid: 1, trigger: .manual))
    one.announce()
    one.restart(spool: spool)
    one.accept(.threads, Framing.header(7) + Framing.header(8))
    let wrong: [(UInt64, UInt64)] = [
      (0, 0), (0, 1), (0, 4), (3, 1), (1, 3), (.max, 2), (2, .max), (.max, .max), (1 << 63, 2),
    ]
    for (start, count) in wrong {
      one.accept(
        .spooledThread,
        Framing.header(7) + littleEndian(start) + littleEndian(count))
    }
    one.accept(.spooledThread, [])
    one.accept(.spooledThread, [UInt8](repeating: 0, count: 19))
    #expect(one.missingThreads == 2)
    #expect(try report(one).threads.isEmpty)
    one.restart()
    one.accept(
      .spooledThread, Framing.header(7) + littleEndian(UInt64(0)) + littleEndian(UInt64(3)))
    #expect(one.missingThreads == 2, "no file, no threads")
  }

  /// Reading what was there a moment ago must be no SIGBUS.
  @Test func nobodyCanTakeItBack() throws {
    let spool = try #require(ThreadSpool())
    #expect(pwrite(spool.descriptor, ",{\"a\":1}", 8, 0) == 8)
    #expect(ftruncate(spool.descriptor, 0) == -1 && errno == EPERM)
    func bytes(_ range: Range<Int>) -> [UInt8] {
      var bytes: [UInt8] = []
      spool.forEachPiece(of: range) { bytes += $0 }
      return bytes
    }
    #expect(bytes(1..<8) == Array("{\"a\":1}".utf8))
    #expect(spool.holds(0..<8) && !spool.holds(1..<9))
    #expect(ftruncate(spool.descriptor, 1 << 20) == 0)
    #expect(spool.holds(0..<1 << 20) && bytes(0..<1 << 20).count == 1 << 20)
  }

  /// Where memory is short nothing can be mapped: then it is read.
  @Test func whatCannotBeMappedIsRead() throws {
    let spool = try #require(ThreadSpool())
    let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
    #expect(pwrite(spool.descriptor, bytes, bytes.count, 0) == bytes.count)
    var (read, pieces): ([UInt8], Int) = ([], 0)
    // Beyond its end there is nothing to map.
    spool.forEachPiece(of: 5..<3_000_001) {
      read += $0
      pieces += 1
    }
    #expect(read == Array(bytes[5...]) && pieces == 3)
  }

  /// A service that may write no files is captured all the same.
  @Test func aLimitOnFileSizesCostsNothing() throws {
    let fixture = try Fixture("threads", "64", "20")
    let outcome = try run([
      "bash", "-c", "ulimit -f 0; exec \(Places.collector) capture --pid \(fixture.pid) --output -",
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try Report(json: outcome.output).threads.count == 65)
  }
}

/// Reads to the end on a thread of its own: a pipe holds 64 KB.
private final class Reading: @unchecked Sendable {
  private let done = DispatchSemaphore(value: 0)
  private var read = Data()

  init(_ handle: FileHandle) {
    Thread.detachNewThread { [self] in
      read = handle.readDataToEndOfFile()
      done.signal()
    }
  }

  func bytes() -> [UInt8] {
    done.wait()
    return Array(read)
  }
}
