internal import CElfutils
public import Memory

extension Symbolizer {
  /// The address of a symbol in the process, by the name that linkers see; nil where the image's own file, or the
  /// part of it that counts, does not have it.
  ///
  /// What an image exports is looked for first, then, in one that was not stripped, the rest.
  public func address(of name: String, in image: Image) -> UInt64? {
    guard image.kind == .elf, let file = try? openImage(image) else { return nil }
    for type in [SHT_DYNSYM, SHT_SYMTAB] {
      guard let table = file.section(type: type) else { continue }
      if let value = NamedSymbol.value(of: name, in: table, of: file) {
        return value &+ image.loadBias
      }
    }
    return nil
  }
}

/// Looks for one name in a symbol table.
enum NamedSymbol {
  /// Bytes of a table and of its names that are read: libLLVM's are 1 and 4 MB.
  private static let limit = 16 << 20
  /// Strings that may end in the name.
  private static let endingLimit = 64

  /// st_value of the first symbol of that name which is defined; nil without one.
  static func value(
    of name: String, in table: ElfFile.Section, of file: borrowing ElfFile
  ) -> UInt64? {
    let stride = MemoryLayout<Elf64_Sym>.size
    guard table.entrySize == UInt64(stride), table.link >= 1, table.link <= file.sections.count
    else { return nil }
    let offsets = offsets(of: name, in: file.sections[table.link - 1], of: file)
    guard !offsets.isEmpty, table.type != UInt32(SHT_NOBITS) else { return nil }
    let bytes = file.bytes.prefix(at: table.offset, atMost: bounded(table.size))
    return bytes.withUnsafeBytes { bytes in
      for index in 0..<bytes.count / stride {
        let symbol = bytes.loadUnaligned(fromByteOffset: index * stride, as: Elf64_Sym.self)
        // A thread-local one has no address but an offset.
        if symbol.st_shndx != UInt16(SHN_UNDEF), symbol.st_info & 0xf != UInt8(STT_TLS),
          offsets.contains(symbol.st_name)
        {
          return symbol.st_value
        }
      }
      return nil
    }
  }

  /// Everywhere that the name ends a string: linkers let one string be the end of another.
  private static func offsets(
    of name: String, in names: ElfFile.Section, of file: borrowing ElfFile
  ) -> Set<UInt32> {
    guard names.type == UInt32(SHT_STRTAB) else { return [] }
    let bytes = file.bytes.prefix(at: names.offset, atMost: bounded(names.size))
    let wanted = Array(name.utf8) + [0]
    var found: Set<UInt32> = []
    var rest = bytes[...]
    while found.count < endingLimit, let hit = rest.firstIndex(ofPart: wanted) {
      found.insert(UInt32(hit))
      rest = rest[(hit + 1)...]
    }
    return found
  }

  private static func bounded(_ size: UInt64) -> Int { Int(min(size, UInt64(limit))) }
}
