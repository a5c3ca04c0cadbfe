import CUnwind
import Memory

/// A libunwind address space over a memory source. libunwind sees the target only through this.
///
/// One per target and not per thread: it caches the unwind rules of every address it has met.
final class AddressSpace {
  let memory: any MemorySource
  let images: ImageTable
  let mappings: MappingTable
  /// For one walk at a time. Not in the walk: Swift copies a struct of a thousand bytes whenever it is touched.
  let cursor = UnsafeMutablePointer<unw_cursor_t>.allocate(capacity: 1)
  /// The registers that the next cursor starts from.
  var registers = RegisterSet()
  /// Set when a word of the target could not be read since the last reset.
  var readFailed = false

  /// The copy in which the last word was found: a walk stays in one stack.
  private var window: MemoryWindow?
  private var places = PlaceCache()
  private var tables: ImageUnwindTables
  /// Addresses in images that are known to have no unwind information.
  private var bare: Set<UInt64> = []
  /// What `bare` holds at most: a scan may ask for anything.
  private static let maximumBare = 1 << 16
  /// Words that libunwind has read since `begin`.
  private var wordsRead = 0
  /// What a step may read, in words. libunwind asks for one word a byte; long unwind information has some
  /// thousand. A DWARF expression that jumps backwards has no end (1.6.2, dwarf_eval_expr).
  private static let wordsPerStep = 200_000
  /// libunwind keeps rules by address alone, but an address means one thing where a thread was
  /// interrupted and another, the instruction before it, where a call returns. A function that begins
  /// right after another one's last call has both. So each kind has a cache of its own.
  private let interruptions: unw_addr_space_t?
  private let calls: unw_addr_space_t?

  init(
    memory: any MemorySource, images: ImageTable, mappings: MappingTable, sections: UnwindSections?
  ) {
    self.memory = memory
    self.images = images
    self.mappings = mappings
    tables = ImageUnwindTables(memory: memory, images: images, sections: sections)
    var callbacks = inquest_unwind_callbacks(
      find_unwind_info: { ip, result, needInfo, space, argument in
        guard let argument, let space else { return -INQUEST_UNW_NO_INFO }
        return AddressSpace.from(argument)
          .findUnwindInfo(ip, result, needInfo, space, argument)
      },
      read_word: { address, value, argument in
        guard let argument, let value else { return -INQUEST_UNW_INVALID }
        return AddressSpace.from(argument).readWord(address, value)
      },
      read_register: { number, value, argument in
        guard let argument, let value,
          let found = AddressSpace.from(argument).registers.unwindRegister(Int(number))
        else { return -INQUEST_UNW_BAD_REGISTER }
        value.pointee = unw_word_t(found)
        return 0
      })
    interruptions = inquest_unwind_create(&callbacks)
    calls = inquest_unwind_create(&callbacks)
  }

  deinit {
    cursor.deallocate()
    for space in [interruptions, calls] {
      if let space { inquest_unwind_destroy(space) }
    }
  }

  /// Points ``cursor`` at `registers`; false when libunwind refuses them.
  ///
  /// - Parameter isInterrupted: the cursor may then take one step only.
  func start(at registers: RegisterSet, isInterrupted: Bool) -> Bool {
    guard let space = isInterrupted ? interruptions : calls else { return false }
    self.registers = registers
    return inquest_unwind_init(cursor, space, Unmanaged.passUnretained(self).toOpaque()) == 0
  }

  /// True when the last step took a millisecond rather than a microsecond.
  var wasSlow: Bool { wordsRead > 10_000 }

  /// To be called before a step.
  func begin() {
    readFailed = false
    wordsRead = 0
  }

  /// True when the image that holds `address` has a table with an entry for it.
  func hasUnwindInfo(_ address: UInt64) -> Bool {
    guard let space = calls else { return false }
    wordsRead = 0
    var result = unw_proc_info_t()
    return findUnwindInfo(
      address, &result, 0, space, Unmanaged.passUnretained(self).toOpaque()) == 0
  }

  /// What is to be known about the code at `ip`.
  func place(_ ip: UInt64, isInterrupted: Bool) -> CodeTraits {
    if let known = places[ip, isInterrupted] { return known }
    let lookup = isInterrupted ? ip : ip &- 1
    var place = CodeTraits()
    if isCode(ip) { place.insert(.code) }
    if isNative(lookup) { place.insert(.native) }
    if hasUnwindInfo(lookup) { place.insert(.unwindInfo) }
    if FramePolicy.isSignalTrampoline(ip, memory: memory) { place.insert(.trampoline) }
    if FramePolicy.callsMovedHandler(before: ip, memory: memory) { place.insert(.movedHandler) }
    places[ip, isInterrupted] = place
    return place
  }

  /// True when `address` lies in an executable mapping.
  func isCode(_ address: UInt64) -> Bool {
    mappings.index(containing: address).map { mappings.mappings[$0].isExecutable } ?? false
  }

  /// True when `address` lies in an ELF file.
  func isNative(_ address: UInt64) -> Bool {
    guard let image = images.containing(address) else { return false }
    return image.kind == .elf || image.kind == .vdso
  }

  /// True when `address` lies in a file that has no unwind information at all.
  func hasNoTable(_ address: UInt64) -> Bool {
    guard let index = images.index(containing: address) else { return false }
    return images.images[index].kind == .elf && tables.exceptionFrames(index) == nil
      && tables.debugFrames(index) == nil
  }

  private static func from(_ argument: UnsafeMutableRawPointer) -> AddressSpace {
    Unmanaged<AddressSpace>.fromOpaque(argument).takeUnretainedValue()
  }

  private func readWord(_ address: UInt64, _ value: UnsafeMutablePointer<unw_word_t>) -> CInt {
    wordsRead += 1
    if wordsRead > Self.wordsPerStep { return -INQUEST_UNW_INVALID }
    if let word = window?.word(at: UInt64(address)) {
      value.pointee = unw_word_t(word)
      return 0
    }
    if address >= TableMemory.base, let word = tables.made.word(at: address) {
      value.pointee = unw_word_t(word)
      return 0
    }
    if let next = memory.window(at: UInt64(address)) { window = next }
    let buffer = UnsafeMutableRawBufferPointer(start: value, count: MemoryLayout<unw_word_t>.size)
    guard memory.read(UInt64(address), into: buffer) == buffer.count else {
      readFailed = true
      return -INQUEST_UNW_INVALID
    }
    return 0
  }

  private func findUnwindInfo(
    _ ip: unw_word_t, _ result: UnsafeMutablePointer<unw_proc_info_t>?, _ needInfo: CInt,
    _ space: unw_addr_space_t, _ argument: UnsafeMutableRawPointer
  ) -> CInt {
    let address = UInt64(ip)
    guard let index = images.index(containing: address), !bare.contains(address) else {
      return -INQUEST_UNW_NO_INFO
    }
    let image = images.images[index]
    func search(_ table: UnwindTable) -> CInt {
      inquest_unwind_search(
        space, ip, unw_word_t(image.base), unw_word_t(image.end), unw_word_t(table.base),
        table.isRelativeToImage ? 1 : 0, unw_word_t(table.entries), unw_word_t(table.count),
        result, needInfo, argument)
    }
    var answer = tables.exceptionFrames(index).map(search) ?? -INQUEST_UNW_NO_INFO
    // Per address and not per image: what is linked together need not have been compiled alike.
    if answer != 0, let table = tables.debugFrames(index) { answer = search(table) }
    guard answer != 0 else { return 0 }
    if answer == -INQUEST_UNW_NO_INFO, bare.count < Self.maximumBare { bare.insert(address) }
    return answer
  }
}
