internal import CElfutils
import Glibc
import Memory

/// Where a stripped binary's symbols may lie: by build-id, else by debuglink (gdb's "Debugging
/// Information in Separate Files"), else wherever `fetch` gets it from. Never by libdwfl's own search,
/// which loads libcurl and krb5 even if no server is set (13 ms, facts/unwinding.md).
struct DebugFiles {
  /// `/usr/lib/debug`.
  let root: String
  let open: ImageOpener
  let fetch: DebugFileFetcher?

  /// In bytes: all of a file must be read to check it against its debuglink.
  private static let checksumLimit: UInt64 = 1 << 30

  /// The debug file for an image, or nil: it is certain to belong to it.
  ///
  /// - Parameters:
  ///   - buildID: that of the code that runs.
  ///   - link: what the binary says, if that is to be trusted.
  ///   - isOfUse: whether a file has what it is looked for.
  func find(
    for image: Image, buildID: [UInt8]?, link: DebugLink?,
    isOfUse: (borrowing ElfFile) -> Bool, isPastDeadline: () -> Bool
  ) -> ElfFile? {
    if let file = findHere(image, buildID, link, isOfUse, isPastDeadline) { return file }
    if let buildID, let file = fetchFile(buildID), isOfUse(file) { return file }
    return nil
  }

  private func findHere(
    _ image: Image, _ buildID: [UInt8]?, _ link: DebugLink?, _ isOfUse: (borrowing ElfFile) -> Bool,
    _ isPastDeadline: () -> Bool
  ) -> ElfFile? {
    if let buildID, let file = find(buildID: buildID), isOfUse(file) { return file }
    guard let link, let slash = image.path.lastIndex(of: "/") else { return nil }
    let directory = image.path[..<slash]
    // Beside the binary is in the target's mount namespace, which the opener knows about.
    for path in ["\(directory)/\(link.name)", "\(directory)/.debug/\(link.name)"]
    where path != image.path {
      let beside = Image(kind: .elf, path: path, base: 0, end: 0)
      let file = accept(open(beside), buildID: buildID, checksum: link.checksum, isPastDeadline)
      if let file, isOfUse(file) { return file }
    }
    let file = accept(
      openFile("\(root)\(directory)/\(link.name)"), buildID: buildID, checksum: link.checksum,
      isPastDeadline)
    if let file, isOfUse(file) { return file }
    return nil
  }

  private func find(buildID: [UInt8]) -> ElfFile? {
    guard buildID.count > 1 else { return nil }
    let digits = buildID.hexadecimal
    let path = "\(root)/.build-id/\(digits.prefix(2))/\(digits.dropFirst(2)).debug"
    return accept(openFile(path), buildID: buildID, checksum: nil) { false }
  }

  /// What dwz has moved out of several debug files into one, or nil: by its build-id, or where it is
  /// installed. No other place is looked at: its name is the target's choice.
  ///
  /// - Parameter name: as the debug file has it: a path, perhaps relative to one of our own.
  func findSupplement(name: String, buildID: [UInt8]) -> ElfFile? {
    if let file = find(buildID: buildID) { return file }
    // Debian: /usr/lib/debug/.dwz/x86_64-linux-gnu/PACKAGE.debug, also as ../../.dwz/….
    let parts = name.split(separator: "/")
    if let start = parts.lastIndex(of: ".dwz"), !parts[start...].contains("..") {
      let path = "\(root)/" + parts[start...].joined(separator: "/")
      if let file = accept(openFile(path), buildID: buildID, checksum: nil, { false }) {
        return file
      }
    }
    return fetchFile(buildID)
  }

  private func fetchFile(_ buildID: [UInt8]) -> ElfFile? {
    DebugFiles.accept(fetch?(buildID), buildID: buildID)
  }

  /// A file that claims to belong to a build-id; nil if it does not, or is no ELF file.
  static func accept(_ descriptor: CInt?, buildID: [UInt8]) -> ElfFile? {
    guard let descriptor, let bytes = try? ElfBytes(descriptor: descriptor),
      let file = try? ElfFile(bytes), file.buildID == buildID
    else { return nil }
    return file
  }

  private func openFile(_ path: String) -> CInt? {
    // O_NONBLOCK: a FIFO in its place must not make us wait for a writer.
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
    return descriptor >= 0 ? descriptor : nil
  }

  /// By build-id if there is one, else by checksum: a debug file of another build gives wrong names.
  private func accept(
    _ descriptor: CInt?, buildID: [UInt8]?, checksum: UInt32?, _ isPastDeadline: () -> Bool
  ) -> ElfFile? {
    if let buildID { return DebugFiles.accept(descriptor, buildID: buildID) }
    guard let descriptor, let bytes = try? ElfBytes(descriptor: descriptor),
      let file = try? ElfFile(bytes), let checksum,
      checksum == self.checksum(of: file, isPastDeadline)
    else { return nil }
    return file
  }

  private func checksum(of file: borrowing ElfFile, _ isPastDeadline: () -> Bool) -> UInt32? {
    guard file.bytes.count <= DebugFiles.checksumLimit else { return nil }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
    defer { buffer.deallocate() }
    var sum: UInt32 = 0
    var offset: UInt64 = 0
    while offset < file.bytes.count {
      if isPastDeadline() { return nil }
      let read = file.bytes.read(at: offset, into: buffer)
      guard read > 0 else { return nil }
      // The debuglink's CRC is zlib's, which is also xz's.
      sum = lzma_crc32(buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), read, sum)
      offset += UInt64(read)
    }
    return sum
  }
}

/// What a stripped binary says about its debug file: section `.gnu_debuglink`.
struct DebugLink {
  /// A file name, without directories.
  var name: String
  var checksum: UInt32

  init?(of file: borrowing ElfFile) {
    guard let section = file.section(named: ".gnu_debuglink"), section.size <= 4096 else {
      return nil
    }
    // Name, zero, padding to a multiple of 4, CRC in the file's byte order.
    let bytes = file.bytes.prefix(at: section.offset, atMost: Int(section.size))
    guard let end = bytes.firstIndex(of: 0), end > 0 else { return nil }
    let padded = (end + 4) & ~3
    // A path could make us open anything on the machine in the target's name.
    guard padded + 4 <= bytes.count, !bytes[..<end].contains(UInt8(ascii: "/")) else { return nil }
    name = String(decoding: bytes[..<end], as: UTF8.self)
    checksum = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: padded, as: UInt32.self) }
  }
}
