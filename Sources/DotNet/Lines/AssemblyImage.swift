internal import Memory

/// Why a PE file cannot be read.
public enum PEError: Error, Sendable, Equatable {
  /// It ends early, contradicts itself, or is none; what exactly, in a few words.
  case damaged(String)
  /// A PE file without managed code.
  case notManaged
}

extension PEError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .damaged(let problem): problem
    case .notManaged: "no managed code"
    }
  }
}

/// An assembly in memory (ECMA-335 II.25), as the file has it or as a loader lays it out: the runtime does
/// either, and this tells which.
struct AssemblyImage {
  let header: PEHeader
  let metadata: PEHeader.Part

  private let base: UInt64
  /// True if addresses in the image are offsets from its base.
  let isLoaded: Bool

  private static let cliHeaderSize: UInt32 = 72

  /// - Parameter base: where the image, or the file, starts.
  init(_ memory: any MemorySource, at base: UInt64) throws(PEError) {
    self.base = base
    do throws(PEHeader.Problem) {
      header = try PEHeader(memory: memory, base: base)
    } catch {
      throw .damaged(error.words)
    }
    let cli = header.directory(.cli)
    guard cli.address != 0, cli.size >= Self.cliHeaderSize else { throw .notManaged }

    // The CLI header begins with its size: where it is found tells how the image lies in memory.
    func record(_ address: UInt64?) -> Record? {
      guard let address else { return nil }
      let record = Record(memory, at: address, count: Int(Self.cliHeaderSize))
      return record.u32(0) == Self.cliHeaderSize && record.u32(8).map { $0 != 0 } == true
        ? record : nil
    }
    let found: Record
    if let loaded = record(base &+ UInt64(cli.address)) {
      isLoaded = true
      found = loaded
    } else if let inFile = record(header.fileOffset(of: cli.address).map({ base &+ $0 })) {
      isLoaded = false
      found = inFile
    } else {
      throw .damaged("a PE file whose CLI header is missing")
    }
    guard let rva = found.u32(8), let size = found.u32(12) else { throw .damaged("no CLI header") }
    metadata = PEHeader.Part(address: rva, size: size)
  }

  /// Where a part of the image lies in memory; nil if the file has no such part.
  func address(of rva: UInt32) -> UInt64? {
    isLoaded ? base &+ UInt64(rva) : header.fileOffset(of: rva).map { base &+ $0 }
  }

  /// Where something lies that has an address in the image, and an offset in the file; either may be 0.
  func address(of rva: UInt32, orOffset offset: UInt32) -> UInt64? {
    if rva != 0, let address = address(of: rva) { return address }
    return isLoaded || offset == 0 ? nil : base &+ UInt64(offset)
  }
}
