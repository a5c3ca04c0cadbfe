internal import CElfutils
import Glibc

/// A file's debug information, unpacked into an ELF file of its own in memory.
///
/// libdw unpacks every debug section there is, with zlib: 32 ms for libc's. Those that say where lines and
/// functions are take 11 ms with libdeflate.
enum UnpackedFile {
  /// What libdw reads of .debug_NAME, or .zdebug_NAME; not where variables live (loclists), nor what
  /// indexes the rest.
  private static let needed = [
    "info", "types", "abbrev", "line", "str", "line_str", "ranges", "rnglists", "addr",
    "str_offsets",
  ]
  /// Where dwz says what it has moved to another file.
  private static let linkName = ".gnu_debugaltlink"
  /// In bytes, of all sections together.
  private static let limit: UInt64 = 1 << 30
  /// Sections of the new file: a linked file has one of each name.
  private static let partLimit = 64

  private struct Part {
    /// When unpacked.
    var name: String
    var section: ElfFile.Section
    /// What comes before zlib's bytes; 0 where it is not packed.
    var header = 0
    var isZlib = true
    /// In bytes, when unpacked.
    var size: UInt64
  }

  /// Nil where libdw can do it alone: nothing is packed, or by something else than zlib.
  ///
  /// - Throws: what claims to unpack to more than we want to have in memory.
  static func make(of file: borrowing ElfFile) throws(ImageProblem) -> ElfFile? {
    var parts: [Part] = []
    for section in file.sections where section.type != UInt32(SHT_NOBITS) {
      if let part = part(section, of: file) { parts.append(part) }
    }
    let packed = parts.filter { $0.header > 0 }
    guard isWithinLimit(packed) else {
      throw .unreadable("its debug information unpacks to more than \(limit >> 20) MB")
    }
    parts.removeAll { part in
      !needed.contains { part.name == ".debug_" + $0 } && part.name != linkName
    }
    guard !packed.isEmpty, parts.allSatisfy(\.isZlib), isWithinLimit(parts), parts.count < partLimit
    else { return nil }
    return try ElfFile(ElfBytes(memory: write(parts, of: file)))
  }

  private static func isWithinLimit(_ parts: [Part]) -> Bool {
    var left = limit
    for part in parts {
      guard part.size <= left else { return false }
      left -= part.size
    }
    return true
  }

  private static func part(_ section: ElfFile.Section, of file: borrowing ElfFile) -> Part? {
    var part = Part(name: section.name, section: section, size: section.size)
    if section.isCompressed {
      let length = MemoryLayout<Elf64_Chdr>.size
      let bytes = file.bytes.prefix(at: section.offset, atMost: length)
      guard bytes.count == length else { return nil }
      let header = bytes.withUnsafeBytes { $0.loadUnaligned(as: Elf64_Chdr.self) }
      part.header = length
      part.isZlib = header.ch_type == UInt32(ELFCOMPRESS_ZLIB)
      part.size = header.ch_size
    } else if section.name.hasPrefix(".zdebug_") {
      // "ZLIB", then the size in big endian.
      let bytes = file.bytes.prefix(at: section.offset, atMost: 12)
      guard bytes.starts(with: "ZLIB".utf8), bytes.count == 12 else { return nil }
      part.name = ".debug_" + section.name.dropFirst(8)
      part.header = bytes.count
      part.size = bytes.dropFirst(4).reduce(0) { $0 << 8 | UInt64($1) }
    }
    return part
  }

  /// The header, the contents one after the other, the sections' names, the section headers.
  private static func write(
    _ parts: [Part], of file: borrowing ElfFile
  ) -> UnsafeMutableRawBufferPointer {
    var names: [UInt8] = [0]
    var headers = [Elf64_Shdr()]
    var end = MemoryLayout<Elf64_Ehdr>.size
    func place(_ name: String, _ type: CInt, _ size: Int) {
      var header = Elf64_Shdr()
      header.sh_name = UInt32(names.count)
      header.sh_type = UInt32(type)
      header.sh_offset = UInt64(end)
      header.sh_size = UInt64(size)
      header.sh_addralign = 1
      headers.append(header)
      names += Array(name.utf8) + [0]
      // Wherever its alignment, libdw reads it byte by byte.
      end += size
    }
    for part in parts { place(part.name, SHT_PROGBITS, Int(part.size)) }
    place(".shstrtab", SHT_STRTAB, names.count + ".shstrtab".utf8.count + 1)
    let table = (end + 7) & ~7
    let size = table + headers.count * MemoryLayout<Elf64_Shdr>.stride
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)

    for (index, part) in parts.enumerated() {
      let at = Int(headers[index + 1].sh_offset)
      let room = UnsafeMutableRawBufferPointer(rebasing: memory[at..<at + Int(part.size)])
      // As libdw does: without what is damaged.
      if !fill(room, with: part, of: file) {
        headers[index + 1].sh_type = UInt32(SHT_NOBITS)
        headers[index + 1].sh_size = 0
      }
    }
    func copy(_ bytes: UnsafeRawBufferPointer, to offset: Int) {
      UnsafeMutableRawBufferPointer(rebasing: memory[offset...]).copyMemory(from: bytes)
    }
    names.withUnsafeBytes { copy($0, to: Int(headers[parts.count + 1].sh_offset)) }
    headers.withUnsafeBytes { copy($0, to: table) }
    var header = Elf64_Ehdr()
    withUnsafeMutableBytes(of: &header) { header in
      // Of the same class, byte order, machine and kind.
      header.copyBytes(from: file.bytes.prefix(at: 0, atMost: header.count))
    }
    header.e_phoff = 0
    header.e_phnum = 0
    header.e_shoff = UInt64(table)
    header.e_shentsize = UInt16(MemoryLayout<Elf64_Shdr>.size)
    header.e_shnum = UInt16(headers.count)
    header.e_shstrndx = UInt16(headers.count - 1)
    withUnsafeBytes(of: header) { copy($0, to: 0) }
    return memory
  }

  /// False if the section cannot be read, or is not what it says.
  private static func fill(
    _ room: UnsafeMutableRawBufferPointer, with part: Part, of file: borrowing ElfFile
  ) -> Bool {
    guard part.header > 0 else {
      return file.bytes.read(at: part.section.offset, into: room) == room.count
    }
    guard part.section.size <= file.bytes.count else { return false }
    let packed = file.bytes.prefix(at: part.section.offset, atMost: Int(part.section.size))
    guard packed.count > part.header, let tool = libdeflate_alloc_decompressor() else {
      return false
    }
    defer { libdeflate_free_decompressor(tool) }
    return packed.withUnsafeBytes { packed in
      // Without a place for the size: it has to be this one.
      libdeflate_zlib_decompress(
        tool, packed.baseAddress! + part.header, packed.count - part.header, room.baseAddress,
        room.count, nil) == LIBDEFLATE_SUCCESS
    }
  }
}
