import CLinux
import Report

/// What the worker tells the supervisor, one message a fact, as soon as it is known (field bug 30).
///
/// A message is a byte for its kind, four bytes of length and the payload. The supervisor understands
/// the kinds and looks at none of the JSON: whatever the target or a broken worker put in there is only
/// ever copied.
enum FactKind: UInt8 {
  /// A stage begins; its name.
  case stage = 1
  /// The stage ended: eight bytes of a Double, milliseconds.
  case stageEnd
  /// A top-level key of the report, a zero byte, and its JSON.
  case value
  /// Four bytes of thread id, then the thread's JSON.
  case thread
  /// The same with its JSON in the ``ThreadSpool``, after a comma: four bytes of id, eight of offset, eight of
  /// length.
  case spooledThread
  /// The ids of all threads that there are to tell of, four bytes each, in the order in which they are listed.
  case threads
  /// The JSON of a limitation.
  case limitation
  /// The crash's summary, as plain text for the terminal.
  case summary
  /// The process's name, as plain text for the report's file name.
  case name
  /// JSON pointers to values that were hidden, one a line.
  case redacted
  /// Eight bytes of a Double: milliseconds of freeze.
  case frozen
  /// Why there can be no report at all: a byte for the exit status, then one line.
  case refused
  /// Everything was said. With a payload: and yet something is missing that a whole report has.
  case done
}

/// The worker's end.
///
/// Threads are told of several at a time, anything else at once and after the threads that wait: a worker
/// announces each stage before it begins, so what it has found is out before anything can kill it.
final class FactSender {
  private let descriptor: CInt
  /// Where threads go; -1 for the socket.
  private var spool: CInt
  private var spoolEnd = 0
  private var waiting = ThreadBatch()
  /// Bytes of threads that may wait. A system call for each of 3,000 threads, and the supervisor's waking up
  /// for it, cost as much as finding their frames.
  private static let patience = 256 << 10

  init(descriptor: CInt, spool: CInt) {
    self.descriptor = descriptor
    self.spool = spool
  }

  deinit {
    close(descriptor)
  }

  func send(_ kind: FactKind, _ payload: some Collection<UInt8>) {
    flush()
    write([kind.rawValue] + Framing.header(payload.count) + payload)
  }

  func send(_ kind: FactKind, _ text: String) {
    send(kind, Array(text.utf8))
  }

  func send(_ kind: FactKind, milliseconds: Double) {
    withUnsafeBytes(of: milliseconds.bitPattern.littleEndian) { send(kind, Array($0)) }
  }

  func send(_ threads: ThreadBatch) {
    if threads.json.count < Self.patience {
      waiting.append(threads)
      if waiting.json.count >= Self.patience { flush() }
    } else {
      flush()
      tell(threads)
    }
  }

  private func flush() {
    tell(waiting)
    waiting.removeAll()
  }

  /// First what is told of, then that it is there.
  private func tell(_ waiting: ThreadBatch) {
    guard !waiting.entries.isEmpty else { return }
    var facts: [UInt8] = []
    let isSpooled = spool >= 0 && spoolAll(waiting.json)
    for (id, range) in waiting.entries {
      if isSpooled {
        facts.append(FactKind.spooledThread.rawValue)
        facts += Framing.header(20) + Framing.header(id)
        for number in [spoolEnd + range.lowerBound, range.count] {
          withUnsafeBytes(of: UInt64(number).littleEndian) { facts += $0 }
        }
      } else {
        let text = waiting.json[range].dropFirst()
        facts.append(FactKind.thread.rawValue)
        facts += Framing.header(4 + text.count) + Framing.header(id) + text
      }
    }
    if isSpooled { spoolEnd += waiting.json.count }
    write(facts)
  }

  /// False where there is no room: threads take the socket from then on.
  private func spoolAll(_ bytes: [UInt8]) -> Bool {
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes {
        pwrite(
          spool, $0.baseAddress.map { $0 + written }, bytes.count - written,
          off_t(spoolEnd + written))
      }
      if count <= 0 {
        spool = -1
        return false
      }
      written += count
    }
    return true
  }

  private func write(_ bytes: [UInt8]) {
    // The supervisor is gone: there is nobody to work for, and nobody left to be harmed.
    if !Framing.write(bytes, to: descriptor) { _exit(1) }
  }
}

/// The JSON of some threads, a comma before each, and whose is where.
struct ThreadBatch: Sendable {
  private(set) var json: [UInt8] = []
  private(set) var entries: [(id: Int, range: Range<Int>)] = []

  mutating func append(_ record: ThreadRecord) {
    append(record.id) { JSONStream.append(record, to: &$0) }
  }

  /// - Parameter writeFrames: appends the list of its frames.
  mutating func append(_ record: ThreadRecord, writeFrames: (inout [UInt8]) -> Void) {
    append(record.id) {
      JSONStream.append(record, to: &$0, writeFrames: writeFrames)
    }
  }

  private mutating func append(_ id: Int, write: (inout [UInt8]) -> Void) {
    let start = json.count
    json.append(UInt8(ascii: ","))
    write(&json)
    entries.append((id, start..<json.count))
  }

  mutating func append(_ other: ThreadBatch) {
    let start = json.count
    json += other.json
    entries += other.entries.map {
      ($0.id, start + $0.range.lowerBound..<start + $0.range.upperBound)
    }
  }

  mutating func removeAll() {
    json.removeAll(keepingCapacity: true)
    entries.removeAll(keepingCapacity: true)
  }
}

/// Cuts the supervisor's end of the stream into messages, each with bytes of its own.
struct FactParser {
  private static let headerSize = 1 + Framing.headerSize
  private var header: [UInt8] = []
  private var payload: [UInt8] = []
  /// Bytes of the payload that are still to come.
  private var missing = 0
  private var isGarbage = false

  /// More than any message of ours: a length above it means that the stream is garbage.
  static let maximumLength = 256 << 20
  /// Bytes that are set aside for a message of which nothing but the length has come.
  private static let trustedLength = 1 << 20

  /// Hands every message that `chunk` completes to `accept`. An unfinished one at the end of the stream,
  /// which a worker leaves when it dies in the middle of sending, is never handed on.
  mutating func take(_ chunk: UnsafeRawBufferPointer, accept: (FactKind, [UInt8]) -> Void) {
    var rest = chunk[...]
    while !rest.isEmpty, !isGarbage {
      if header.count < Self.headerSize {
        let part = rest.prefix(Self.headerSize - header.count)
        header += part
        rest = rest.dropFirst(part.count)
        guard header.count == Self.headerSize else { return }
        missing = Framing.length(header.dropFirst())
        isGarbage = missing > Self.maximumLength
        payload = []
        payload.reserveCapacity(min(missing, Self.trustedLength))
      }
      let part = rest.prefix(missing)
      payload.append(contentsOf: UnsafeRawBufferPointer(rebasing: part))
      rest = rest.dropFirst(part.count)
      missing -= part.count
      guard missing == 0 else { return }
      if let kind = FactKind(rawValue: header[0]) { accept(kind, payload) }
      header.removeAll(keepingCapacity: true)
    }
  }
}
