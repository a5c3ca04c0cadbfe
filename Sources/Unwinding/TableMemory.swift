/// Tables of our own making, at addresses where no process has memory: libunwind finds them through the same
/// accessor as everything else.
struct TableMemory {
  /// Above what user space can have on any kernel (57 bits on x86-64, 52 on arm64 below a tag of 8), and
  /// below the kernel's half.
  static let base: UInt64 = 0x087f_0000_0000_0000
  /// Each table has 4 GiB of addresses.
  private static let stride: UInt64 = 32
  private var tables: [[UInt64]] = []

  /// - Returns: the table's address.
  mutating func add(_ words: [UInt64]) -> UInt64 {
    tables.append(words)
    return Self.base + UInt64(tables.count - 1) << Self.stride
  }

  /// As above, bytes in the order in which they shall lie.
  mutating func add(_ bytes: [UInt8]) -> UInt64 {
    var words = [UInt64](repeating: 0, count: (bytes.count + 7) / 8)
    words.withUnsafeMutableBytes { $0.copyBytes(from: bytes) }
    return add(words)
  }

  /// The word at `address`, which is a multiple of 8, as libunwind's always are; nil outside any table.
  func word(at address: UInt64) -> UInt64? {
    let offset = address &- Self.base
    guard offset >> Self.stride < UInt64(tables.count), address & 7 == 0 else { return nil }
    let index = Int(offset & (1 << Self.stride - 1)) / 8
    let table = tables[Int(offset >> Self.stride)]
    return index < table.count ? table[index] : nil
  }
}
