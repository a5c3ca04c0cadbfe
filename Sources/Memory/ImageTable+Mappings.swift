extension ImageTable {
  /// Finds the images among the mappings of a process.
  ///
  /// An image is a file that some executable mapping belongs to (ELF, or the PE of a .NET assembly),
  /// the vDSO, or executable memory with no such file behind it: generated code.
  ///
  /// - Parameter memory: the process's memory, for the headers: files are not opened.
  public init(mappings: MappingTable, memory: some MemorySource) {
    var images: [Image] = []
    var group: [Mapping] = []

    func finish() {
      defer { group.removeAll(keepingCapacity: true) }
      guard let image = Image(group: group, memory: memory) else { return }
      images.append(image)
    }

    for mapping in mappings.mappings {
      if let first = group.first, !mapping.continues(group: first, last: group[group.count - 1]) {
        finish()
      }
      guard mapping.isFile || mapping.isExecutable else { continue }
      group.append(mapping)
    }
    finish()
    self.init(images)
  }
}

extension Mapping {
  /// True when this mapping belongs to the file whose mappings began with `first`.
  ///
  /// Anonymous mappings in between (bss, PROT_NONE gaps) do not end a group, because they are skipped
  /// before; a second mapping of the file's start does: the same library loaded twice.
  fileprivate func continues(group first: Mapping, last: Mapping) -> Bool {
    guard isFile || isExecutable else { return true }
    guard first.isFile else { return !isFile && last.end == start && path == first.path }
    return inode == first.inode && device == first.device && path == first.path
      && (offset != 0 || last.offset == 0 && last.end == start)
  }
}

extension Image {
  /// Nil when the mappings hold no code.
  fileprivate init?(group: [Mapping], memory: some MemorySource) {
    guard let first = group.first, let last = group.last,
      group.contains(where: { $0.isExecutable })
    else { return nil }
    let name = first.path.isEmpty ? "[anonymous]" : first.path
    // [vsyscall] lies in the kernel's half: not memory that anyone can read.
    guard name != "[vsyscall]" else { return nil }

    if first.isFile || name == "[vdso]", first.offset == 0,
      let header = ElfHeader(memory: memory, base: first.start)
    {
      let bias = header.loadBias(base: first.start)
      self.init(
        kind: name == "[vdso]" ? .vdso : .elf, path: name, isDeleted: first.isDeleted,
        base: first.start, end: max(last.end, header.endAddress &+ bias), loadBias: bias,
        mappings: group, segments: header.segments,
        buildID: header.buildID(memory: memory, loadBias: bias))
      return
    }
    let header =
      first.isFile && first.offset == 0 ? try? PEHeader(memory: memory, base: first.start) : nil
    let isPE =
      first.isFile && first.offset == 0
      && memory.prefix(at: first.start, atMost: 2) == Array("MZ".utf8)
    let code = group.first(where: \.isExecutable)
    if let header, let code, let base = header.base(from: code) {
      self.init(
        kind: .pe, path: name, isDeleted: first.isDeleted, base: base,
        end: max(last.end, base &+ min(header.imageSize, 1 << 32)), mappings: group)
      return
    }
    self.init(
      kind: isPE ? .pe : .jit, path: name, isDeleted: first.isDeleted, base: first.start,
      end: last.end, mappings: group)
  }
}
