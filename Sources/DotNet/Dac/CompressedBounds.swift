/// The map from native to IL offsets as a compiler of the runtime leaves it with the code
/// (vm/debuginfostore.cpp, CompressDebugInfo; inc/nibblestream.h).
///
/// The DAC decodes it, but gives it out only for a method's first version: of one that was compiled again,
/// as every hot one is, it tells single addresses, and none in the map's last range. That is where an
/// optimising compiler puts what throws.
struct CompressedBounds: Equatable {
  struct Entry: Equatable {
    /// Bytes from the code's start.
    var nativeOffset: UInt32
    /// Or one of the markers of `Dac.ilOffset`.
    var ilOffset: UInt32
  }

  var entries: [Entry] = []

  private static let entryLimit = 8192

  /// - Parameters:
  ///   - bytes: from where the code's header points to on.
  ///   - hasFlags: .NET 6 and later, where a byte of flags comes first.
  ///   - codeSize: bytes.
  /// - Returns: nil for anything that is no such map.
  init?(_ bytes: [UInt8], hasFlags: Bool, codeSize: UInt32) {
    // Flags: what comes between them and the map is not read here.
    if hasFlags, bytes.first != 0 { return nil }
    var reader = NibbleReader(bytes: bytes, byte: hasFlags ? 1 : 0)
    guard let size = reader.number(), size > 0, reader.number() != nil else { return nil }
    reader.align()
    let start = reader.position
    guard let count = reader.number(), count > 0, count <= Self.entryLimit else { return nil }
    var native: UInt32 = 0
    for _ in 0..<count {
      guard let step = reader.number(), let il = reader.number(), reader.number() != nil else {
        return nil
      }
      let (sum, overflow) = native.addingReportingOverflow(step)
      guard !overflow, sum <= codeSize else { return nil }
      native = sum
      // Shifted by three, so that the markers -1 to -3 are small numbers.
      entries.append(Entry(nativeOffset: native, ilOffset: il &- 3))
    }
    reader.align()
    // It has told its size, and every compiler begins with the prolog: garbage has neither.
    let prolog: UInt32 = 0xffff_fffe
    guard reader.position - start == Int(size),
      entries.first == Entry(nativeOffset: 0, ilOffset: prolog)
    else { return nil }
  }
}

/// Numbers in pieces of three bits, the most significant first; the fourth bit of each says that more follow.
/// The lower half of a byte comes before the upper one.
private struct NibbleReader {
  let bytes: [UInt8]
  private var nibble: Int

  init(bytes: [UInt8], byte: Int) {
    self.bytes = bytes
    nibble = 2 * byte
  }

  mutating func number() -> UInt32? {
    var value: UInt32 = 0
    for _ in 0..<11 {
      guard nibble / 2 < bytes.count else { return nil }
      let byte = bytes[nibble / 2]
      let piece = nibble % 2 == 0 ? byte & 15 : byte >> 4
      nibble += 1
      value = value << 3 | UInt32(piece & 7)
      if piece & 8 == 0 { return value }
    }
    return nil
  }

  /// Goes on at the next whole byte.
  mutating func align() { nibble = (nibble + 1) / 2 * 2 }

  /// The byte that comes next.
  var position: Int { nibble / 2 }
}
