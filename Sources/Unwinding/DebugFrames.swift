import Memory

/// `.debug_frame` in the form of `.eh_frame`, which is the one that libunwind reads through accessors.
///
/// They differ in how a description points to its CIE, and in that here addresses are those of the file.
struct DebugFrames {
  /// The bytes of such a section.
  private(set) var bytes: [UInt8] = []
  /// Which code each description is about, in memory, and its offset in ``bytes``.
  private(set) var descriptions: [(start: UInt64, offset: Int)] = []

  /// - Parameters:
  ///   - section: the bytes of `.debug_frame`.
  ///   - loadBias: what to add to the file's addresses.
  init(_ section: [UInt8], loadBias: UInt64) {
    // Entries become a few bytes longer; offsets have to stay below 2 GiB.
    guard section.count <= 1 << 29 else { return }
    let frames = FrameSection(
      memory: SectionBytes(bytes: section), range: 0..<UInt64(section.count), form: .debugFrames)
    var common: [UInt64: Int] = [:]
    frames.forEach { description, information in
      // Entries become a few bytes longer; many that share bytes would become very many.
      guard let instructions = information.instructions, bytes.count < 2 * section.count + 4096
      else { return }
      let owner = common[description.common] ?? bytes.count
      if common[description.common] == nil {
        common[description.common] = owner
        append(information, instructions)
      }
      descriptions.append((description.start &+ loadBias, bytes.count))
      let rest = section[Int(description.rest.lowerBound)..<Int(description.rest.upperBound)]
      append(UInt32(4 + 8 + 8 + 1 + rest.count))
      append(UInt32(bytes.count - owner))
      append(description.start &+ loadBias)
      append(description.size)
      bytes.append(0)
      bytes += rest
    }
  }

  /// Version 3, absolute addresses.
  private mutating func append(_ common: CommonInformation, _ instructions: [UInt8]) {
    let augmentation = Array((common.isSignalFrame ? "zRS\0" : "zR\0").utf8)
    let size = 4 + 1 + augmentation.count + common.factors.count + 2 + instructions.count
    append(UInt32(size))
    append(UInt32(0))
    bytes.append(3)
    bytes += augmentation
    bytes += common.factors
    bytes += [1, 0]
    bytes += instructions
  }

  private mutating func append(_ value: some FixedWidthInteger) {
    withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
  }
}

private struct SectionBytes: MemorySource {
  let bytes: [UInt8]

  func read(_ address: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    guard address < UInt64(bytes.count) else { return 0 }
    let count = min(buffer.count, bytes.count - Int(address))
    buffer.copyBytes(from: bytes[Int(address)..<Int(address) + count])
    return count
  }
}
