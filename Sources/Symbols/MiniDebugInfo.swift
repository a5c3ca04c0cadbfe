internal import CElfutils
import Glibc

/// `.gnu_debugdata`: an ELF file with the symbols that .dynsym lacks, xz-compressed, inside another
/// (MiniDebugInfo, as Fedora and its kin ship it).
enum MiniDebugInfo {
  static let sectionName = ".gnu_debugdata"

  /// Of the compressed section, in bytes. Fedora's largest are below 2 MB.
  private static let packedLimit: UInt64 = 16 << 20
  /// Of what comes out, in bytes. xz packs zeros 7000 to 1, and libdw unpacks them all.
  private static let unpackedLimit = 64 << 20
  /// Of the decoder's own memory, in bytes: what `xz -9` demands is 65 MB.
  private static let decoderLimit: UInt64 = 96 << 20

  static func unpack(
    _ section: ElfFile.Section, of file: borrowing ElfFile
  ) throws(ImageProblem) -> ElfFile {
    guard section.size <= packedLimit else { throw .unreadable("\(sectionName) is too large") }
    let packed = file.bytes.prefix(at: section.offset, atMost: Int(section.size))
    // Untouched pages cost nothing, so the limit can be the buffer.
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: unpackedLimit, alignment: 16)
    var unpacked = 0
    let status = packed.withUnsafeBufferPointer { input in
      var memory = decoderLimit
      var consumed = 0
      return lzma_stream_buffer_decode(
        &memory, 0, nil, input.baseAddress, &consumed, input.count,
        room.baseAddress?.assumingMemoryBound(to: UInt8.self), &unpacked, room.count)
    }
    guard status == LZMA_OK else {
      room.deallocate()
      throw .unreadable("\(sectionName) does not unpack (xz error \(status.rawValue))")
    }
    // Its own allocation, so that nothing lies behind the end that libelf is told.
    let exact = UnsafeMutableRawBufferPointer.allocate(byteCount: unpacked, alignment: 16)
    exact.copyMemory(from: UnsafeRawBufferPointer(rebasing: room[..<unpacked]))
    room.deallocate()
    return try ElfFile(ElfBytes(memory: exact))
  }
}
