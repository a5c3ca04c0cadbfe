internal import CElfutils
internal import Glibc
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
  private static let limit: UInt64 = 16 << 20

  /// st_value of the first symbol of that name which is defined; nil without one.
  static func value(
    of name: String, in table: ElfFile.Section, of file: borrowing ElfFile
  ) -> UInt64? {
    let stride = MemoryLayout<Elf64_Sym>.size
    guard table.entrySize == UInt64(stride), table.type != UInt32(SHT_NOBITS), table.link >= 1,
      table.link <= file.sections.count
    else { return nil }
    let section = file.sections[table.link - 1]
    guard section.type == UInt32(SHT_STRTAB) else { return nil }
    let names = file.bytes.prefix(at: section.offset, atMost: Int(min(section.size, limit)))
    let symbols = file.bytes.prefix(at: table.offset, atMost: Int(min(table.size, limit)))
    let wanted = Array(name.utf8) + [0]
    return names.withUnsafeBytes { names in
      symbols.withUnsafeBytes { symbols in
        for index in 0..<symbols.count / stride {
          let symbol = symbols.loadUnaligned(fromByteOffset: index * stride, as: Elf64_Sym.self)
          let start = Int(symbol.st_name)
          // A thread-local one has no address but an offset.
          guard symbol.st_shndx != UInt16(SHN_UNDEF), symbol.st_info & 0xf != UInt8(STT_TLS),
            let base = names.baseAddress, start <= names.count - wanted.count,
            memcmp(base + start, wanted, wanted.count) == 0
          else { continue }
          return symbol.st_value
        }
        return nil
      }
    }
  }
}
