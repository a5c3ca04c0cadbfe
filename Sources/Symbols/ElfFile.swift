internal import CElfutils
import Glibc
import Memory

/// An ELF file of our own class and byte order, opened for its symbols.
///
/// libelf reads the headers, the section names and the notes. What is large (symbols and their
/// names) is read past it, in pieces: libelf would load whole tables, and libdwfl on top of it maps
/// the files, unpacks without limit and asks a debuginfod (facts/unwinding.md).
struct ElfFile: ~Copyable {
  struct Section {
    var name: String
    var type: UInt32
    var isExecutable: Bool
    var isCompressed: Bool
    /// As the file has it.
    var address: UInt64
    var offset: UInt64
    /// In bytes.
    var size: UInt64
    /// For a symbol table, the section of its names.
    var link: Int
    var entrySize: UInt64
  }

  let bytes: ElfBytes
  private let elf: OpaquePointer
  /// In the file's order, from number 1: `sections[link - 1]`.
  let sections: [Section]

  /// No linker makes executables of that many; libelf sets up some 200 bytes for each that the
  /// header claims.
  private static let sectionLimit = 65_536
  private static let segmentLimit = 512
  private static let sectionNamesLimit: UInt64 = 4 << 20
  private static let noteLimit: UInt64 = 65_536

  init(_ bytes: consuming ElfBytes) throws(ImageProblem) {
    try ElfFile.checkHeader(bytes)
    guard let elf = bytes.begin() else { throw .unreadable(ElfFile.lastError()) }
    guard elf_kind(elf) == ELF_K_ELF else {
      elf_end(elf)
      throw .unreadable("not an ELF file")
    }
    self.sections = ElfFile.readSections(elf)
    self.elf = elf
    self.bytes = bytes
  }

  deinit {
    elf_end(elf)
  }

  /// Turns away what is not for us, before libelf allocates anything for it.
  private static func checkHeader(_ bytes: borrowing ElfBytes) throws(ImageProblem) {
    let header = bytes.prefix(at: 0, atMost: MemoryLayout<Elf64_Ehdr>.size)
    guard header.starts(with: [0x7f, 0x45, 0x4c, 0x46]) else {
      throw .unreadable("not an ELF file")
    }
    guard header.count == MemoryLayout<Elf64_Ehdr>.size else { throw .unreadable("truncated") }
    let order = UInt16(1).littleEndian == 1 ? ELFDATA2LSB : ELFDATA2MSB
    guard header[Int(EI_CLASS)] == UInt8(ELFCLASS64), header[Int(EI_DATA)] == UInt8(order) else {
      throw .unreadable("not a 64-bit ELF file of this machine's byte order")
    }
    let parsed = header.withUnsafeBytes { $0.loadUnaligned(as: Elf64_Ehdr.self) }
    guard parsed.e_shoff != 0 else { return }
    // The section headers lie at the end: an incomplete file is not one without symbols.
    let table = UInt64(max(1, parsed.e_shnum)) * UInt64(MemoryLayout<Elf64_Shdr>.size)
    guard parsed.e_shoff < bytes.count, table <= bytes.count - parsed.e_shoff else {
      throw .unreadable("truncated")
    }
    guard parsed.e_shnum == 0 else { return }
    // More than 65,279 sections, the count in the first of them: see `sectionLimit`.
    let first = bytes.prefix(at: parsed.e_shoff, atMost: MemoryLayout<Elf64_Shdr>.size)
    guard first.count == MemoryLayout<Elf64_Shdr>.size else { throw .unreadable("truncated") }
    let count = first.withUnsafeBytes { $0.loadUnaligned(as: Elf64_Shdr.self) }.sh_size
    guard count <= UInt64(sectionLimit) else { throw .unreadable("\(count) sections") }
  }

  private static func lastError() -> String {
    elf_errmsg(-1).map { String(cString: $0) } ?? "not an ELF file"
  }

  private static func readSections(_ elf: OpaquePointer) -> [Section] {
    var namesIndex = 0
    let hasNames = elf_getshdrstrndx(elf, &namesIndex) == 0
    var headers: [Elf64_Shdr] = []
    var section = elf_nextscn(elf, nil)
    while let current = section, headers.count < sectionLimit {
      var header = Elf64_Shdr()
      // Keep the numbering when one cannot be read.
      headers.append(gelf_getshdr(current, &header) != nil ? header : Elf64_Shdr())
      section = elf_nextscn(elf, current)
    }
    // libelf loads all section names at once: not if they claim to be huge.
    let named =
      hasNames && namesIndex >= 1 && namesIndex <= headers.count
      && headers[namesIndex - 1].sh_size <= sectionNamesLimit
    return headers.map { header in
      let name = named ? elf_strptr(elf, namesIndex, Int(header.sh_name)) : nil
      return Section(
        name: name.map { String(cString: $0) } ?? "",
        type: header.sh_type,
        isExecutable: header.sh_flags & UInt64(SHF_EXECINSTR) != 0,
        isCompressed: header.sh_flags & UInt64(SHF_COMPRESSED) != 0,
        address: header.sh_addr, offset: header.sh_offset, size: header.sh_size,
        link: Int(header.sh_link), entrySize: header.sh_entsize)
    }
  }

  func section(named name: String) -> Section? {
    sections.first { $0.name == name }
  }

  func section(type: CInt) -> Section? {
    sections.first { $0.type == UInt32(type) }
  }

  /// The program headers, as `Image.segments` has them from memory.
  var segments: [ElfSegment] {
    var count = 0
    guard elf_getphdrnum(elf, &count) == 0 else { return [] }
    var segments: [ElfSegment] = []
    for index in 0..<min(count, ElfFile.segmentLimit) {
      var header = Elf64_Phdr()
      guard gelf_getphdr(elf, CInt(index), &header) != nil else { break }
      segments.append(
        ElfSegment(
          type: header.p_type, flags: header.p_flags, offset: header.p_offset,
          address: header.p_vaddr, fileSize: header.p_filesz, memorySize: header.p_memsz))
    }
    return segments
  }

  /// The GNU build-id, from the program headers or else the sections: in a separate debug file the
  /// program headers point at bytes that are not there.
  var buildID: [UInt8]? {
    for section in sections where section.type == UInt32(SHT_NOTE) {
      if let found = buildID(offset: section.offset, size: section.size) { return found }
    }
    for segment in segments where segment.type == ElfSegment.note {
      if let found = buildID(offset: segment.offset, size: segment.fileSize) { return found }
    }
    return nil
  }

  private func buildID(offset: UInt64, size: UInt64) -> [UInt8]? {
    guard offset < bytes.count, size <= ElfFile.noteLimit, size <= bytes.count - offset,
      let data = elf_getdata_rawchunk(elf, Int64(offset), Int(size), ELF_T_NHDR)
    else { return nil }
    var at = 0
    while true {
      var header = Elf64_Nhdr()
      var name = 0
      var description = 0
      let next = gelf_getnote(data, at, &header, &name, &description)
      guard next > at, let base = data.pointee.d_buf else { return nil }
      let range = UnsafeRawBufferPointer(start: base, count: data.pointee.d_size)
      if header.n_type == UInt32(NT_GNU_BUILD_ID), header.n_namesz == 4,
        range[name..<name + 4].elementsEqual([0x47, 0x4e, 0x55, 0x00]), header.n_descsz > 0
      {
        return Array(range[description..<description + Int(header.n_descsz)])
      }
      at = next
    }
  }
}
