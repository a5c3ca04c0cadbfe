import Memory

/// The entries of `.eh_frame` (LSB, Exception Frames) or `.debug_frame` (DWARF 5, 6.4.1), one after the other.
///
/// Only as much of an entry is read as tells which code it is about; its instructions are libunwind's.
struct FrameSection {
  enum Form {
    case exceptionFrames, debugFrames

    /// What a CIE has in the place of a pointer to one.
    var commonMark: UInt64 { self == .exceptionFrames ? 0 : UInt64.max }
  }

  /// FDE: the rules of one range of code.
  struct Description {
    /// Of the entry.
    var address: UInt64
    /// Of its CIE.
    var common: UInt64
    var start: UInt64
    /// Of the code, in bytes; not 0.
    var size: UInt64
    /// Addresses of what follows: in `.debug_frame` its instructions.
    var rest: Range<UInt64>
  }

  let memory: any MemorySource
  /// Addresses of the section in `memory`.
  let range: Range<UInt64>
  let form: Form
  /// True where the range's end is not sure to be the section's: then an entry of length 0 ends it. Within a
  /// section, such an entry is what the linker has left of one file's end (ld does, and makes no table).
  var endsAtZero = false

  /// More than any program has.
  private static let maximumDescriptions = 8 << 20
  private static let maximumCommon = 1 << 16
  /// What is read at once, in bytes.
  private static let windowSize = 1 << 20
  /// What is read of a CIE, in bytes: most have 24.
  private static let commonSize = 4096
  /// Two lengths, a pointer, start and size, in bytes.
  private static let headSize = 36

  /// Calls `body` for each description that libunwind can use, in the section's order, until the section or
  /// its sense ends.
  func forEach(_ body: (Description, CommonInformation) -> Void) {
    var known: [UInt64: CommonInformation?] = [:]
    // Hundreds of descriptions in a row have the same.
    var recent: (address: UInt64?, information: CommonInformation?) = (nil, nil)
    var window: [UInt8] = []
    var windowStart = range.lowerBound
    var at = range.lowerBound
    var count = 0
    while at < range.upperBound, count < Self.maximumDescriptions {
      let rest = Int(clamping: range.upperBound - at)
      let wanted = min(Self.headSize, rest)
      if Int(at - windowStart) + wanted > window.count {
        window = memory.prefix(at: at, atMost: min(Self.windowSize, rest))
        windowStart = at
      }
      var cursor = FrameCursor(window[Int(at - windowStart)...].prefix(wanted), at: at)
      guard let head = Head(&cursor), head.end <= range.upperBound else { return }
      if head.isEmpty, endsAtZero { return }
      let address = at
      at = head.end
      guard let common = commonAddress(head, &cursor) else { continue }
      if common != recent.address {
        if known[common] == nil {
          guard known.count < Self.maximumCommon else { continue }
          let size = min(Self.commonSize, Int(clamping: range.upperBound - common))
          let bytes = memory.prefix(at: common, atMost: size)
          known[common] = .some(CommonInformation(FrameCursor(bytes[...], at: common), form: form))
        }
        recent = (common, known[common] ?? nil)
      }
      guard let information = recent.information,
        let start = cursor.pointer(information.encoding),
        let size = cursor.pointer(information.encoding & 0x0f), start > 0, size > 0,
        cursor.address <= head.end
      else { continue }
      count += 1
      body(
        Description(
          address: address, common: common, start: start, size: size,
          rest: cursor.address..<head.end), information)
    }
  }

  /// The address of an entry's CIE; nil for a CIE.
  private func commonAddress(_ head: Head, _ cursor: inout FrameCursor) -> UInt64? {
    let place = cursor.address
    guard let pointer = cursor.offset(is64: head.is64), cursor.address <= head.end,
      pointer != form.commonMark
    else { return nil }
    switch form {
    case .exceptionFrames:
      // Backwards from where it stands.
      return pointer <= place - range.lowerBound ? place - pointer : nil
    case .debugFrames:
      let offset = head.is64 ? pointer : pointer & 0xffff_ffff
      return offset < range.upperBound - range.lowerBound ? range.lowerBound + offset : nil
    }
  }

  /// The length with which every entry begins.
  struct Head {
    var is64: Bool
    /// The first address after the entry: always above its own.
    var end: UInt64
    var isEmpty: Bool

    init?(_ cursor: inout FrameCursor) {
      guard let short = cursor.integer(UInt32.self) else { return nil }
      is64 = short == UInt32.max
      var length = UInt64(short)
      if is64 {
        guard let long = cursor.integer(UInt64.self) else { return nil }
        length = long
      } else if short >= 0xffff_fff0 {
        return nil
      }
      let (end, overflow) = cursor.address.addingReportingOverflow(length)
      guard !overflow else { return nil }
      self.end = end
      isEmpty = length == 0
    }
  }
}
