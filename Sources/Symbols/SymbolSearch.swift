internal import CElfutils
import Glibc

/// Finds the functions around a set of addresses in one pass over a symbol table.
///
/// libdw's `dwfl_module_addrinfo` is a pass per address (libLLVM 6–11 ms each, facts/unwinding.md),
/// a sorted index costs more than the pass unless it is kept; here every symbol looks up, among the
/// sorted addresses, those that it covers. The table is read in pieces, and of the names only those
/// of what was found. Measured in C on a warm cache, as read by pread / mapped by libelf / loaded by
/// libelf: libLLVM-15 (46,000 symbols) 0.18 / 0.18 / 0.33 ms, libswiftCore (37,000)
/// 0.06 / 0.12 / 0.20 ms, liblldb (304,000) 1.1 / 1.6 / 3.8 ms.
struct SymbolSearch {
  /// A symbol that explains an address, and others at the same place that are as good.
  private struct Candidate {
    /// In the file's terms.
    var start: UInt64
    /// Smaller is better: see `rank(_:)`.
    var rank: UInt8
    /// Where the names begin in the string table.
    var names: [UInt32]
    /// Which one the symbol is in, as the table numbers them.
    var section: Int

    /// libc has a dozen names for some functions; beyond that they differ in nothing.
    static let nameLimit = 32

    static func improve(_ slot: inout Candidate?, with symbol: Elf64_Sym) {
      let rank = SymbolSearch.rank(symbol)
      if let held = slot {
        // The innermost wins, then the binding; equals are told apart by their names, later.
        guard symbol.st_value >= held.start else { return }
        if symbol.st_value == held.start {
          guard rank <= held.rank else { return }
          if rank == held.rank {
            if held.names.count < nameLimit { slot!.names.append(symbol.st_name) }
            return
          }
        }
      }
      slot = Candidate(
        start: symbol.st_value, rank: rank, names: [symbol.st_name], section: Int(symbol.st_shndx))
    }
  }

  /// What one address may lie in.
  private struct Slot {
    /// A function whose size covers the address: an answer.
    var function: Candidate?
    /// The same without a type, as hand-written assembly has it: only if nothing better turns up.
    var label: Candidate?
    /// The nearest symbol without a size that begins between the previous address and this one.
    var unsized: Candidate?
    /// Where the last function that ends between the previous address and this one ends.
    var functionEnd: UInt64 = 0
  }

  struct Found: Equatable {
    var start: UInt64
    var name: String
  }

  /// What one table says, by address.
  struct Answers {
    /// Functions that cover the address.
    var functions: [UInt64: Found] = [:]
    /// Symbols without size or type: good if nobody knows better.
    var lastResorts: [UInt64: Found] = [:]
    /// True if the table or its names end before they should: not all that is missing is unnamed.
    var isDamaged = false
  }

  /// In bytes; a hostile file may claim any number of symbols. 16 million take 384 MB.
  private static let tableLimit: UInt64 = 384 << 20
  private static let chunk = 10_000 * MemoryLayout<Elf64_Sym>.stride

  /// Ascending, in the file's terms.
  private let addresses: [UInt64]
  private var slots: [Slot]

  /// - Parameter addresses: as the file has them, ascending and without repetition.
  private init(_ addresses: [UInt64]) {
    self.addresses = addresses
    slots = Array(repeating: Slot(), count: addresses.count)
  }

  /// Looks up `addresses` in `table`, a section of `file`.
  ///
  /// - Parameter isComplete: true if the table has all functions of the file. Only then does a
  ///   symbol without a size stand for what follows it: in a table of exported names, what follows
  ///   may be anything.
  static func run(
    _ addresses: [UInt64], in table: ElfFile.Section, of file: borrowing ElfFile, isComplete: Bool,
    isPastDeadline: () -> Bool
  ) throws(ImageProblem) -> Answers {
    let stride = MemoryLayout<Elf64_Sym>.size
    // sh_entsize 0 sent unw_get_proc_name into an endless loop (facts/unwinding.md).
    guard table.entrySize == UInt64(stride) else {
      throw .unreadable("symbols of \(table.entrySize) bytes")
    }
    guard table.type != UInt32(SHT_NOBITS), table.link >= 1, table.link <= file.sections.count
    else { throw .unreadable("symbols without names") }
    let names = file.sections[table.link - 1]
    guard names.type == UInt32(SHT_STRTAB) else { throw .unreadable("symbols without names") }

    var search = SymbolSearch(addresses)
    let code = file.sections.filter { $0.isExecutable }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: chunk, alignment: 16)
    defer { buffer.deallocate() }
    var offset: UInt64 = 0
    let size = min(table.size, tableLimit)
    var isDamaged = size < table.size
    while offset < size {
      if isPastDeadline() { throw .pastDeadline }
      let (start, overflow) = table.offset.addingReportingOverflow(offset)
      let wanted = min(UInt64(chunk), size - offset)
      let read =
        overflow
        ? 0 : file.bytes.read(at: start, into: .init(rebasing: buffer[..<Int(wanted)]))
      search.scan(UnsafeRawBufferPointer(rebasing: buffer[..<read]), code, isComplete: isComplete)
      offset += wanted
      if UInt64(read) < wanted {
        // What there is of a truncated table is good all the same.
        isDamaged = true
        break
      }
    }
    var answers = search.answers(names: names, file: file)
    answers.isDamaged = answers.isDamaged || isDamaged
    return answers
  }

  /// Takes in one piece of a symbol table.
  private mutating func scan(
    _ piece: UnsafeRawBufferPointer, _ code: [ElfFile.Section], isComplete: Bool
  ) {
    guard let last = addresses.last else { return }
    let stride = MemoryLayout<Elf64_Sym>.size
    for index in 0..<piece.count / stride {
      let symbol = piece.loadUnaligned(fromByteOffset: index * stride, as: Elf64_Sym.self)
      let type = symbol.st_info & 0xf
      let isFunction = type == UInt8(STT_FUNC) || type == UInt8(STT_GNU_IFUNC)
      guard isFunction || type == UInt8(STT_NOTYPE) else { continue }
      guard symbol.st_shndx != UInt16(SHN_UNDEF), symbol.st_shndx != UInt16(SHN_ABS),
        symbol.st_name != 0, symbol.st_value <= last
      else { continue }
      let first = position(of: symbol.st_value)
      if symbol.st_size == 0 {
        // A local label without type marks something inside a function (arm64's $x and $d).
        let isLocal = symbol.st_info >> 4 == UInt8(STB_LOCAL)
        if isComplete, isFunction || !isLocal, first < addresses.count {
          Candidate.improve(&slots[first].unsized, with: symbol)
        }
        continue
      }
      let (end, overflow) = symbol.st_value.addingReportingOverflow(symbol.st_size)
      if overflow { continue }
      if !isFunction, !code.contains(where: { $0.holds(symbol.st_value) }) { continue }
      var covered = first
      while covered < addresses.count, addresses[covered] < end {
        if isFunction {
          Candidate.improve(&slots[covered].function, with: symbol)
        } else {
          Candidate.improve(&slots[covered].label, with: symbol)
        }
        covered += 1
      }
      if isFunction, covered < addresses.count {
        slots[covered].functionEnd = max(slots[covered].functionEnd, end)
      }
    }
  }

  /// The position of the first address not below `value`.
  private func position(of value: UInt64) -> Int {
    guard !addresses.isEmpty else { return 0 }
    // Without a branch on the outcome: asked for every symbol, it would be mispredicted half the time.
    var low = 0
    var length = addresses.count
    while length > 1 {
      let half = length / 2
      low += addresses[low + half - 1] < value ? half : 0
      length -= half
    }
    return low + (addresses[low] < value ? 1 : 0)
  }

  /// Settles each address; reads the names of what is left.
  private func answers(names: ElfFile.Section, file: borrowing ElfFile) -> Answers {
    var answers = Answers()
    // Many addresses lie in few functions.
    var known: [UInt64: String] = [:]
    func found(_ candidate: Candidate, _ file: borrowing ElfFile) -> Found? {
      if let name = known[candidate.start] { return Found(start: candidate.start, name: name) }
      let spellings = candidate.names.compactMap { SymbolSearch.name($0, in: names, of: file) }
      guard let best = spellings.min(by: SymbolSearch.reads) else {
        answers.isDamaged = true
        return nil
      }
      known[candidate.start] = best
      return Found(start: candidate.start, name: best)
    }
    var unsized: Candidate?
    var functionEnd: UInt64 = 0
    for (address, slot) in zip(addresses, slots) {
      functionEnd = max(functionEnd, slot.functionEnd)
      if let nearer = slot.unsized { unsized = nearer }
      if let function = slot.function, let found = found(function, file) {
        answers.functions[address] = found
      } else if let label = slot.label, let found = found(label, file) {
        answers.lastResorts[address] = found
      } else if let unsized, unsized.start >= functionEnd,
        // It says nothing about code in another section, nor about what lies behind a function.
        file.sections.indices.contains(unsized.section - 1),
        file.sections[unsized.section - 1].isExecutable,
        file.sections[unsized.section - 1].holds(address),
        let found = found(unsized, file)
      {
        answers.lastResorts[address] = found
      }
    }
    return answers
  }

  /// Functions before labels, then exported names before local ones.
  ///
  /// Weak ones count as global: in libc the name that people call is the weak one (`getpid`, beside
  /// a global `__getpid`). So gdb says it too, for most of libc's functions that have both, where
  /// eu-addr2line prefers the global. Hidden ones are not exported: in a static program they are
  /// libc's own names (`__libc_read`), beside which a linker may have made `read` a local one.
  private static func rank(_ symbol: Elf64_Sym) -> UInt8 {
    let isHidden = [STV_HIDDEN, STV_INTERNAL].contains(CInt(symbol.st_other & 3))
    let binding: UInt8 =
      switch CInt(symbol.st_info >> 4) {
      case _ where isHidden: 1
      case STB_GLOBAL, STB_GNU_UNIQUE, STB_WEAK: 0
      default: 1
      }
    return binding + (symbol.st_info & 0xf == UInt8(STT_NOTYPE) ? 2 : 0)
  }

  /// True if `one` is the name that people use rather than `other`: `write` and not `__write`.
  private static func reads(_ one: String, before other: String) -> Bool {
    func underscores(_ name: String) -> Int { name.utf8.prefix { $0 == UInt8(ascii: "_") }.count }
    return (underscores(one), one.utf8.count, one) < (underscores(other), other.utf8.count, other)
  }

  /// The name at `offset` of a string table, or nil. One byte more than `SymbolName.rawLimit` tells
  /// that there was more.
  private static func name(
    _ offset: UInt32, in names: ElfFile.Section, of file: borrowing ElfFile
  ) -> String? {
    guard UInt64(offset) < names.size else { return nil }
    let (start, overflow) = names.offset.addingReportingOverflow(UInt64(offset))
    guard !overflow else { return nil }
    let room = Int(min(names.size - UInt64(offset), UInt64(SymbolName.rawLimit) + 1))
    for limit in [min(room, 256), room] {
      let bytes = file.bytes.prefix(at: start, atMost: limit)
      if let end = bytes.firstIndex(of: 0) {
        return end == 0 ? nil : String(decoding: bytes[..<end], as: UTF8.self)
      }
      if bytes.count > SymbolName.rawLimit { return String(decoding: bytes, as: UTF8.self) }
    }
    // It runs into the end of its table or of the file: damaged, and half a name is a wrong name.
    return nil
  }
}

extension ElfFile.Section {
  /// True if `address` (as the file has it) lies in the section.
  fileprivate func holds(_ address: UInt64) -> Bool {
    self.address <= address && address - self.address < size
  }
}
