import CLinux

/// Messages on a socket between our own processes: four bytes of length, little-endian, before each.
enum Framing {
  static let headerSize = 4

  static func header(_ length: Int) -> [UInt8] {
    withUnsafeBytes(of: UInt32(truncatingIfNeeded: length).littleEndian) { Array($0) }
  }

  /// The length that the first four of `bytes` tell.
  static func length(_ bytes: some Collection<UInt8>) -> Int {
    bytes.prefix(headerSize).reversed().reduce(0) { $0 << 8 | Int($1) }
  }

  /// Writes all of `bytes`, waiting for room if need be.
  ///
  /// - Returns: false when the other end is gone. SIGPIPE is ignored in all of our processes.
  static func write(_ bytes: [UInt8], to descriptor: CInt) -> Bool {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        CLinux.write(descriptor, $0.baseAddress.map { $0 + sent }, $0.count - sent)
      }
      if count <= 0 { return false }
      sent += count
    }
    return true
  }
}
