internal import CElfutils
public import Memory

/// Sections that are not about names: of the same files, as certain to be those that run.
extension Symbolizer {
  /// Where a section of the image's file is loaded, in the file's terms; nil if it has none, or no such file
  /// is to be had.
  public func addresses(ofSection name: String, in image: Image) -> Range<UInt64>? {
    guard let file = try? openImage(image), let section = file.section(named: name) else {
      return nil
    }
    let (end, overflow) = section.address.addingReportingOverflow(section.size)
    guard section.address > 0, section.size > 0, !overflow else { return nil }
    return section.address..<end
  }

  /// The unpacked bytes of `.debug_frame`, from the image's file or else its debug file; nil where neither
  /// has one.
  public func debugFrames(of image: Image, isPastDeadline: () -> Bool) -> [UInt8]? {
    if isPastDeadline() { return nil }
    var buildID = image.buildID
    var link: DebugLink?
    if let file = try? openImage(image) {
      if let found = file.debugSection("frame") { return found }
      buildID = buildID ?? file.buildID
      link = DebugLink(of: file)
    }
    let debugFile = debugFiles.find(
      for: image, buildID: buildID, link: link,
      isOfUse: { file in
        [".debug_frame", ".zdebug_frame"].contains { file.section(named: $0) != nil }
      },
      isPastDeadline: isPastDeadline)
    guard let debugFile else { return nil }
    return debugFile.debugSection("frame")
  }
}

extension ElfFile {
  /// Of a section, packed or not, in bytes.
  private static let debugSectionLimit: UInt64 = 256 << 20

  /// The unpacked bytes of `.debug_NAME`, or of `.zdebug_NAME`, as Go wrote it before 1.19.
  func debugSection(_ name: String) -> [UInt8]? {
    for (full, isOldForm) in [(".debug_\(name)", false), (".zdebug_\(name)", true)] {
      guard let index = sections.firstIndex(where: { $0.name == full }),
        // A debug file has headers of what only its binary holds.
        sections[index].type == UInt32(SHT_PROGBITS)
      else { continue }
      return contents(ofSection: index + 1, isOldForm: isOldForm)
    }
    return nil
  }

  /// - Parameter isOldForm: "ZLIB" and the size come first (binutils 2.21), instead of an Elf64_Chdr.
  private func contents(ofSection number: Int, isOldForm: Bool) -> [UInt8]? {
    let section = sections[number - 1]
    guard section.size <= ElfFile.debugSectionLimit, section.offset <= bytes.count,
      section.size <= bytes.count - section.offset, let handle = handle(ofSection: number)
    else { return nil }
    let head = bytes.prefix(at: section.offset, atMost: MemoryLayout<Elf64_Chdr>.size)
    if isOldForm {
      let size = head.dropFirst(4).prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      guard head.count >= 12, size <= ElfFile.debugSectionLimit,
        elf_compress_gnu(handle, 0, 0) >= 0
      else { return nil }
    } else if section.isCompressed {
      var header = Elf64_Chdr()
      guard gelf_getchdr(handle, &header) != nil,
        header.ch_size <= ElfFile.debugSectionLimit, elf_compress(handle, 0, 0) >= 0
      else { return nil }
    } else {
      return bytes.prefix(at: section.offset, atMost: Int(section.size))
    }
    guard let data = elf_getdata(handle, nil), let base = data.pointee.d_buf else { return nil }
    return Array(UnsafeRawBufferPointer(start: base, count: data.pointee.d_size))
  }
}
