internal import CElfutils
import Glibc

/// The bytes of an ELF file and what must be released with them: a descriptor, or a copy in memory.
///
/// A file is read and not mapped: it belongs to the target, and one that is truncated while it is
/// mapped means SIGBUS (facts/unwinding.md). Nor is it dearer, because little of it is needed: see
/// the measurements at `SymbolSearch`. Large debug information is the exception: see `DwarfFile`.
struct ElfBytes: ~Copyable {
  private enum Storage {
    case descriptor(CInt)
    case memory(UnsafeMutableRawBufferPointer)
  }

  private let storage: Storage
  /// In bytes.
  let count: UInt64

  /// Owns `descriptor`, also when it throws: anything but a regular file would block or lie.
  init(descriptor: CInt) throws(ImageProblem) {
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw .unreadable("not a regular file")
    }
    storage = .descriptor(descriptor)
    count = UInt64(status.st_size)
  }

  /// Owns `memory`, which came from `UnsafeMutableRawBufferPointer.allocate`.
  init(memory: UnsafeMutableRawBufferPointer) {
    storage = .memory(memory)
    count = UInt64(memory.count)
  }

  deinit {
    switch storage {
    case .descriptor(let descriptor): close(descriptor)
    case .memory(let memory): memory.deallocate()
    }
  }

  /// A libelf handle on these bytes, nil if libelf finds nothing; end it before they go.
  ///
  /// - Parameter isMapped: maps a file instead of loading the sections that are asked for.
  func begin(isMapped: Bool = false) -> OpaquePointer? {
    guard elf_version(UInt32(EV_CURRENT)) != UInt32(EV_NONE) else { return nil }
    switch storage {
    case .descriptor(let descriptor):
      return elf_begin(descriptor, isMapped ? ELF_C_READ_MMAP : ELF_C_READ, nil)
    case .memory(let memory):
      return elf_memory(memory.baseAddress?.assumingMemoryBound(to: CChar.self), memory.count)
    }
  }

  /// Fills `buffer` from `offset` on and says how far: less than all of it where the file ends.
  func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    guard offset < count, let base = buffer.baseAddress else { return 0 }
    let wanted = Int(min(UInt64(buffer.count), count - offset))
    switch storage {
    case .memory(let memory):
      base.copyMemory(from: memory.baseAddress! + Int(offset), byteCount: wanted)
      return wanted
    case .descriptor(let descriptor):
      var filled = 0
      while filled < wanted {
        let got = pread(descriptor, base + filled, wanted - filled, off_t(offset) + filled)
        if got < 0, errno == EINTR { continue }
        if got <= 0 { break }
        filled += got
      }
      return filled
    }
  }

  /// At most `limit` bytes from `offset` on.
  func prefix(at offset: UInt64, atMost limit: Int) -> [UInt8] {
    guard offset < count, limit > 0 else { return [] }
    return [UInt8](unsafeUninitializedCapacity: Int(min(UInt64(limit), count - offset))) {
      buffer, filled in
      filled = read(at: offset, into: UnsafeMutableRawBufferPointer(buffer))
    }
  }
}
