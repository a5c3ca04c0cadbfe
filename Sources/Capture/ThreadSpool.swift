import CLinux
import Glibc
import Store

/// A file in memory, through which a worker hands over the JSON of its threads.
///
/// That of 3,000 threads is 10 MB, and a socket copies it into the kernel, out of it, and from message to report:
/// on a virtual machine, whose fresh pages are expensive, that took a fifth of the whole collection. A worker
/// can write whatever it likes in here, but cannot take back what there is: the file is sealed against that, so
/// that reading it is no SIGBUS.
final class ThreadSpool {
  let descriptor: CInt
  private var mappings: [UnsafeRawBufferPointer] = []
  /// Bytes that it is known to have.
  private var size = 0

  /// Nil where the kernel, or the target's system call filter, which is ours as well, gives no such file.
  init?() {
    descriptor = inquest_memory_file()
    if descriptor < 0 { return nil }
  }

  deinit {
    for mapping in mappings {
      munmap(UnsafeMutableRawPointer(mutating: mapping.baseAddress), mapping.count)
    }
    close(descriptor)
  }

  /// Whether the file has bytes there.
  func holds(_ range: Range<Int>) -> Bool {
    var status = stat()
    if range.upperBound > size, fstat(descriptor, &status) == 0 { size = Int(status.st_size) }
    return range.lowerBound >= 0 && range.upperBound <= size
  }

  /// Hands out the bytes of a range, in pieces where there is no room to map them.
  ///
  /// Maps all that there is at the first call: for when the worker has told everything.
  func forEachPiece<E: Error>(
    of range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws(E) -> Void
  ) throws(E) {
    if let mapped = mapped(range) { return try body(mapped) }
    var piece = [UInt8](repeating: 0, count: min(range.count, Self.pieceSize))
    var start = range.lowerBound
    while start < range.upperBound {
      let wanted = min(piece.count, range.upperBound - start)
      let count = pread(descriptor, &piece, wanted, off_t(start))
      guard count > 0 else { return }
      try Array(piece[..<count]).forEachPiece(body)
      start += count
    }
  }

  private static let pieceSize = 1 << 20

  private func mapped(_ range: Range<Int>) -> UnsafeRawBufferPointer? {
    guard holds(range) else { return nil }
    if range.upperBound > mappings.last?.count ?? 0 {
      let start = mmap(nil, size, PROT_READ, MAP_SHARED | MAP_POPULATE, descriptor, 0)
      guard let start, start != MAP_FAILED else { return nil }
      // What was handed out before stays mapped.
      mappings.append(UnsafeRawBufferPointer(start: start, count: size))
    }
    return mappings.last.map { UnsafeRawBufferPointer(rebasing: $0[range]) }
  }
}

/// The bytes of a report, of which most may lie in a ``ThreadSpool``.
struct ReportText: ReportContents {
  private enum Part {
    case own([UInt8])
    case spooled(ThreadSpool, Range<Int>)
  }

  private var parts: [Part] = []

  mutating func append(_ bytes: some Sequence<UInt8>) {
    if case .own(var own)? = parts.last {
      parts.removeLast()
      own += bytes
      parts.append(.own(own))
    } else {
      parts.append(.own(Array(bytes)))
    }
  }

  /// Adjacent ranges become one.
  mutating func append(_ spool: ThreadSpool, _ range: Range<Int>) {
    if case .spooled(let last, let before)? = parts.last, last === spool,
      before.upperBound == range.lowerBound
    {
      parts[parts.count - 1] = .spooled(spool, before.lowerBound..<range.upperBound)
    } else {
      parts.append(.spooled(spool, range))
    }
  }

  func forEachPiece<E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> Void) throws(E) {
    for part in parts {
      switch part {
      case .own(let own): try own.forEachPiece(body)
      case .spooled(let spool, let range): try spool.forEachPiece(of: range, body)
      }
    }
  }

  /// All of it in one piece.
  var bytes: [UInt8] {
    var bytes: [UInt8] = []
    forEachPiece { bytes.append(contentsOf: $0) }
    return bytes
  }
}
