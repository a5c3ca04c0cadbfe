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
struct FactSender: ~Copyable {
  private let descriptor: CInt

  init(descriptor: CInt) {
    self.descriptor = descriptor
  }

  deinit {
    close(descriptor)
  }

  func send(_ kind: FactKind, _ payload: some Collection<UInt8>) {
    var message: [UInt8] = [kind.rawValue]
    withUnsafeBytes(of: UInt32(payload.count).littleEndian) { message += $0 }
    message += payload
    var sent = 0
    while sent < message.count {
      let count = message.withUnsafeBytes {
        write(descriptor, $0.baseAddress.map { $0 + sent }, $0.count - sent)
      }
      // The supervisor is gone: there is nobody to work for, and nobody left to be harmed.
      if count <= 0 { _exit(1) }
      sent += count
    }
  }

  func send(_ kind: FactKind, _ text: String) {
    send(kind, Array(text.utf8))
  }

  func send(_ kind: FactKind, milliseconds: Double) {
    withUnsafeBytes(of: milliseconds.bitPattern.littleEndian) { send(kind, Array($0)) }
  }
}

/// Cuts the supervisor's end of the stream into messages.
struct FactParser {
  private var bytes: [UInt8] = []
  private var start = 0

  /// More than any message of ours: a length above it means that the stream is garbage.
  static let maximumLength = 256 << 20

  mutating func append(_ chunk: UnsafeRawBufferPointer) {
    if start > 1 << 20 {
      bytes.removeFirst(start)
      start = 0
    }
    bytes += chunk
  }

  /// The next whole message; nil until more bytes have come. An unfinished one at the end of the stream,
  /// which a worker leaves when it dies in the middle of sending, is never returned.
  mutating func next() -> (kind: FactKind, payload: ArraySlice<UInt8>)? {
    while bytes.count - start >= 5 {
      let length = bytes[(start + 1)..<(start + 5)].reversed().reduce(0) { $0 << 8 | Int($1) }
      guard length <= Self.maximumLength, bytes.count - start >= 5 + length else { return nil }
      let kind = FactKind(rawValue: bytes[start])
      let payload = bytes[(start + 5)..<(start + 5 + length)]
      start += 5 + length
      if let kind { return (kind, payload) }
    }
    return nil
  }
}
