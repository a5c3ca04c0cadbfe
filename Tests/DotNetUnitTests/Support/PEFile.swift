@testable import DotNet

/// A PE file's bytes, changed for a test.
struct PEFile {
  var bytes: [UInt8]
  init(_ bytes: [UInt8]) { self.bytes = bytes }

  func u16(_ at: Int) -> Int { Int(bytes[at]) | Int(bytes[at + 1]) << 8 }
  func u32(_ at: Int) -> Int { u16(at) | u16(at + 2) << 16 }

  mutating func set(_ value: UInt32, at offset: Int) {
    for index in 0..<4 { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (index * 8)) }
  }

  var header: Int { u32(0x3c) }
  var optional: Int { header + 24 }
  /// Of the optional header: where the data directories start.
  var directories: Int { optional + (u16(optional) == 0x20b ? 112 : 96) }
  var sections: Range<Int> { 0..<u16(header + 6) }
  func section(_ index: Int) -> Int { optional + u16(header + 20) + index * 40 }

  func offset(ofRVA rva: Int) -> Int? {
    for index in sections {
      let start = u32(section(index) + 12)
      if rva >= start, rva < start + u32(section(index) + 16) {
        return rva - start + u32(section(index) + 20)
      }
    }
    return nil
  }

  /// Where the entries of the debug directory are, in the file.
  var debugEntries: [Int] {
    guard let start = offset(ofRVA: u32(directories + 6 * 8)) else { return [] }
    return (0..<u32(directories + 6 * 8 + 4) / 28).map { start + $0 * 28 }
  }

  /// As a loader lays it out: every section at its address, not at its offset.
  var loaded: [UInt8] {
    var image = [UInt8](repeating: 0, count: u32(optional + 56))
    let headers = u32(optional + 60)
    image.replaceSubrange(..<headers, with: bytes[..<headers])
    for index in sections {
      let (rva, size, offset) = (
        u32(section(index) + 12), u32(section(index) + 16), u32(section(index) + 20)
      )
      image.replaceSubrange(
        rva..<min(rva + size, image.count),
        with: bytes[offset...].prefix(min(size, image.count - rva)))
    }
    return image
  }
}
