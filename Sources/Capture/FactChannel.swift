import CLinux

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
  /// Four bytes of thread id, then the thread's JSON. The first one sent comes first in the report.
  case thread
  /// Four bytes: how many threads there are to tell of.
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
/// Threads are sent several at a time, anything else at once and after the threads that wait: a worker
/// announces each stage before it begins, so what it has found is out before anything can kill it.
final class FactSender {
  private let descriptor: CInt
  private var waiting: [UInt8] = []
  /// Bytes of threads that may wait. A system call for each of 3,000 threads, and the supervisor's waking up
  /// for it, cost as much as finding their frames.
  private static let patience = 64 << 10

  init(descriptor: CInt) {
    self.descriptor = descriptor
  }

  deinit {
    close(descriptor)
  }

  func send(_ kind: FactKind, _ payload: some Collection<UInt8>) {
    waiting.append(kind.rawValue)
    waiting += Framing.header(payload.count)
    waiting += payload
    if kind == .thread, waiting.count < Self.patience { return }
    // The supervisor is gone: there is nobody to work for, and nobody left to be harmed.
    if !Framing.write(waiting, to: descriptor) { _exit(1) }
    waiting.removeAll(keepingCapacity: true)
  }

  func send(_ kind: FactKind, _ text: String) {
    send(kind, Array(text.utf8))
  }

  func send(_ kind: FactKind, milliseconds: Double) {
    withUnsafeBytes(of: milliseconds.bitPattern.littleEndian) { send(kind, Array($0)) }
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
