/// Bytes on their way between worker and inspector: words of eight bytes, little-endian, and texts and
/// lists with their length before them.
struct WireWriter {
  private(set) var bytes: [UInt8] = []

  mutating func put(_ value: UInt64) {
    withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
  }
  mutating func put(_ value: Int) { put(UInt64(bitPattern: Int64(value))) }
  mutating func put(_ value: Bool) { put(value ? 1 : 0 as UInt64) }
  mutating func put(_ value: [UInt8]) {
    put(value.count)
    bytes += value
  }
  mutating func put(_ value: String) { put(Array(value.utf8)) }
  mutating func put<T>(_ list: [T], _ one: (inout WireWriter, T) -> Void) {
    put(list.count)
    for item in list { one(&self, item) }
  }
}

/// The other end, which believes nothing: the inspector has foreign code in it.
struct WireReader {
  private let bytes: ArraySlice<UInt8>
  private var position: Int

  /// A message that is shorter than it says, or says what cannot be.
  struct Damaged: Error {}

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    position = bytes.startIndex
  }

  mutating func word() throws(Damaged) -> UInt64 {
    guard bytes.endIndex - position >= 8 else { throw Damaged() }
    defer { position += 8 }
    return bytes[position..<position + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
  mutating func int() throws(Damaged) -> Int { Int(truncatingIfNeeded: try word()) }
  mutating func flag() throws(Damaged) -> Bool { try word() != 0 }
  /// A count that an honest inspector never exceeds.
  mutating func count(atMost limit: Int) throws(Damaged) -> Int {
    let count = try int()
    guard count >= 0, count <= limit else { throw Damaged() }
    return count
  }
  mutating func block(atMost limit: Int) throws(Damaged) -> [UInt8] {
    let count = try count(atMost: limit)
    guard count <= bytes.endIndex - position else { throw Damaged() }
    defer { position += count }
    return Array(bytes[position..<position + count])
  }
  /// - Parameter limit: UTF-16 units, each of which takes at most three bytes.
  mutating func text(atMost limit: Int) throws(Damaged) -> String {
    String(decoding: try block(atMost: 3 * limit), as: UTF8.self)
  }
  mutating func list<T>(atMost limit: Int, _ one: (inout WireReader) throws(Damaged) -> T)
    throws(Damaged) -> [T]
  {
    let count = try count(atMost: limit)
    // Each item takes at least eight bytes.
    guard count <= (bytes.endIndex - position) / 8 else { throw Damaged() }
    var items: [T] = []
    for _ in 0..<count { items.append(try one(&self)) }
    return items
  }
}
