public import Memory

/// Where the runtime keeps the unwind information of the code that it compiled.
///
/// A RUNTIME_FUNCTION is three words of four bytes: where a function or a part of it begins and ends, and
/// where its UNWIND_INFO is, all relative to a base.
public struct UnwindTables {
  /// A RUNTIME_FUNCTION as addresses.
  public struct Entry: Sendable, Equatable {
    public var base: UInt64
    public var start: UInt64
    /// The first address after it.
    public var end: UInt64
    public var information: UInt64
  }

  private static let entrySize = 12
  /// Parts of one function: its body and its exception handlers.
  private static let partLimit = 4096

  private let memory: any MemorySource
  private let images: ImageTable

  public init(memory: any MemorySource, images: ImageTable) {
    self.memory = memory
    self.images = images
  }

  /// The entry that covers `address`, which `method` was found for; nil when there is none.
  public func entry(for method: ManagedMethod, at address: UInt64) -> Entry? {
    guard method.start != 0 else { return nil }
    if let image = images.containing(address), image.kind == .pe {
      return precompiled(image, at: address)
    }
    return compiled(method, at: address)
  }

  /// Code of an assembly that was compiled ahead of time: the PE's exception directory.
  private func precompiled(_ image: Image, at address: UInt64) -> Entry? {
    guard let directory = exceptionDirectory(image) else { return nil }
    let wanted = address &- image.base
    var (low, high) = (0, directory.count / Self.entrySize)
    while low < high {
      let middle = (low + high) / 2
      let at = directory.lowerBound &+ UInt64(Self.entrySize * middle)
      guard let start = memory.load(UInt32.self, at: at) else { return nil }
      if UInt64(start) <= wanted { low = middle + 1 } else { high = middle }
    }
    guard low > 0 else { return nil }
    return entry(
      at: directory.lowerBound &+ UInt64(Self.entrySize * (low - 1)), base: image.base,
      covering: address)
  }

  private func exceptionDirectory(_ image: Image) -> Range<UInt64>? {
    guard let header = try? PEHeader(memory: memory, base: image.base) else { return nil }
    let part = header.directory(.exceptions)
    guard part.address != 0, part.size >= Self.entrySize else { return nil }
    let first = image.base &+ UInt64(part.address)
    let (end, overflow) = first.addingReportingOverflow(UInt64(part.size))
    return overflow ? nil : first..<end
  }

  /// Code compiled at run time: the word before it points to a header (RealCodeHeader, vm/codeman.h), which
  /// has the method's MethodDesc, then a count, then that many entries.
  private func compiled(_ method: ManagedMethod, at address: UInt64) -> Entry? {
    // 0 is in many headers, and is no MethodDesc.
    guard method.method != 0, let header = memory.load(UInt64.self, at: method.start &- 8) else {
      return nil
    }
    // The MethodDesc comes after some other pointers, how many depends on the version: it is known.
    for offset in stride(from: 0, through: 0x38, by: 8) as StrideThrough<UInt64> {
      guard memory.load(UInt64.self, at: header &+ offset) == method.method else { continue }
      guard let count = memory.load(UInt32.self, at: header &+ offset &+ 8), count > 0,
        count <= Self.partLimit
      else { continue }
      let first = header &+ offset &+ 12
      // The first part is the function itself, so it tells the base.
      guard let start = memory.load(UInt32.self, at: first) else { continue }
      let base = method.start &- UInt64(start)
      for index in 0..<UInt64(count) {
        if let found = entry(
          at: first &+ index &* UInt64(Self.entrySize), base: base, covering: address)
        {
          return found
        }
      }
    }
    return nil
  }

  private func entry(at place: UInt64, base: UInt64, covering address: UInt64) -> Entry? {
    guard let start = memory.load(UInt32.self, at: place),
      let end = memory.load(UInt32.self, at: place &+ 4),
      let information = memory.load(UInt32.self, at: place &+ 8),
      base &+ UInt64(start) <= address, address < base &+ UInt64(end)
    else { return nil }
    return Entry(
      base: base, start: base &+ UInt64(start), end: base &+ UInt64(end),
      information: base &+ UInt64(information))
  }
}
