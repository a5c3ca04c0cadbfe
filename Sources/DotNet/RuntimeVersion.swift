public import Memory

/// The version string that every native library of the runtime carries:
/// `@(#)Version 8.0.424.16909 @Commit: 2d7eea25…` (eng/native/version, _version.c).
///
/// The library and its DAC must be of one build: the DAC knows the runtime's structures by offsets that were
/// compiled in, and reads garbage with any other.
public struct RuntimeVersion: Sendable, Equatable {
  /// `8.0.424.16909 @Commit: 2d7eea25…`.
  public var text: String

  /// The commit that the runtime was built from, 40 hex digits; nil where the string has none.
  public var commit: String? {
    guard let range = text.range(of: "@Commit: ") else { return nil }
    let hex = text[range].prefix { $0.isASCII && $0.isHexDigit }
    return hex.count == 40 ? String(hex) : nil
  }

  /// True for .NET Core 2 and 3, whose native version numbers begin with 4 (4.700 is 3.1).
  public var isCore3OrEarlier: Bool { text.hasPrefix("4.") }

  private static let marker = Array("@(#)Version ".utf8)
  private static let limit = 200

  /// Looks for the string in a file's bytes.
  public init?(in bytes: [UInt8]) {
    guard let found = Self.find(bytes) else { return nil }
    text = found
  }

  /// Looks for the string in a library in memory, so that it is that of the code that ran: an update may
  /// have replaced the file since.
  public init?(_ mappings: [Mapping], memory: any MemorySource) {
    // It is data, though never written to: those mappings are small.
    let (data, rest) = (mappings.filter(\.isWritable), mappings.filter { !$0.isWritable })
    for mapping in data + rest where mapping.isReadable {
      let size = Int(clamping: mapping.end - mapping.start)
      let bytes = memory.prefix(at: mapping.start, atMost: min(size, 64 << 20))
      if let found = Self.find(bytes) {
        text = found
        return
      }
    }
    return nil
  }

  private static func find(_ bytes: [UInt8]) -> String? {
    var searched = 0
    while let start = bytes.firstPosition(of: marker, from: searched) {
      let rest = bytes[(start + marker.count)...].prefix(limit)
      // A library may also have the marker alone, to look for it.
      if let end = rest.firstIndex(of: 0), rest.first?.isDigit == true {
        return String(decoding: rest[..<end], as: UTF8.self)
      }
      searched = start + 1
    }
    return nil
  }
}

extension [UInt8] {
  fileprivate func firstPosition(of pattern: [UInt8], from start: Int) -> Int? {
    withUnsafeBytes { bytes in
      guard let first = pattern.first, bytes.count >= pattern.count else { return nil }
      var position = start
      let last = bytes.count - pattern.count
      while position <= last {
        guard
          let next = (position...last).first(where: { bytes[$0] == first })
        else { return nil }
        if pattern.indices.allSatisfy({ bytes[next + $0] == pattern[$0] }) { return next }
        position = next + 1
      }
      return nil
    }
  }
}

extension UInt8 {
  fileprivate var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
}

extension String {
  /// What follows the first `mark`.
  fileprivate func range(of mark: String) -> Range<Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(mark) {
        return index(start, offsetBy: mark.count)..<endIndex
      }
      start = index(after: start)
    }
    return nil
  }
}
