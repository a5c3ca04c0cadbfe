/// What several frame descriptions have in common: a CIE.
struct CommonInformation {
  /// How their addresses are written (DW_EH_PE_…).
  private(set) var encoding: UInt8 = 0
  private(set) var isSignalFrame = false
  /// The alignment factors and the return address column, as LEB128.
  private(set) var factors: [UInt8] = []
  /// The initial instructions in `.debug_frame`; nil where there are more than were read.
  private(set) var instructions: [UInt8]?

  /// Nil for one that libunwind would not use, or would misunderstand.
  ///
  /// - Parameter cursor: at its beginning.
  init?(_ cursor: FrameCursor, form: FrameSection.Form) {
    var cursor = cursor
    guard let head = FrameSection.Head(&cursor), let id = cursor.offset(is64: head.is64),
      id == form.commonMark, let version = cursor.integer(UInt8.self),
      let augmentation = cursor.text(), version == 1 || version == 3 || version == 4
    else { return nil }
    if version == 4 {
      // The sizes of an address and of a segment selector. libunwind 1.6.2 takes such a CIE without knowing
      // of these two bytes; ours are left out when it is handed on.
      guard form == .debugFrames, cursor.integer(UInt16.self) == 8 else { return nil }
    }
    let start = cursor
    guard cursor.unsignedLEB128() != nil, cursor.unsignedLEB128() != nil else { return nil }
    if version == 1 {
      // One byte, which reads the same as LEB128.
      guard let column = cursor.integer(UInt8.self), column < 0x80 else { return nil }
    } else if cursor.unsignedLEB128() == nil {
      return nil
    }
    factors = start.bytes(upTo: cursor.address) ?? []
    guard read(augmentation, &cursor, form) else { return nil }
    // Those of .eh_frame libunwind reads by itself.
    if form == .debugFrames { instructions = cursor.bytes(upTo: head.end) }
  }

  /// The augmentation string says which data follow.
  private mutating func read(
    _ augmentation: ArraySlice<UInt8>, _ cursor: inout FrameCursor, _ form: FrameSection.Form
  ) -> Bool {
    if augmentation.isEmpty { return true }
    if form == .debugFrames {
      isSignalFrame = augmentation.elementsEqual("S".utf8)
      return isSignalFrame
    }
    guard augmentation.first == UInt8(ascii: "z"), cursor.unsignedLEB128() != nil else {
      return false
    }
    for letter in augmentation.dropFirst() {
      switch letter {
      case UInt8(ascii: "R"):
        guard let byte = cursor.integer(UInt8.self) else { return false }
        encoding = byte
      case UInt8(ascii: "L"): guard cursor.integer(UInt8.self) != nil else { return false }
      case UInt8(ascii: "P"):
        // Where it is does not matter, only how long.
        guard let byte = cursor.integer(UInt8.self), cursor.pointer(byte & 0x0f) != nil else {
          return false
        }
      case UInt8(ascii: "S"): isSignalFrame = true
      // The data's length is known, so what libunwind does not know either can be skipped.
      default: return true
      }
    }
    return true
  }
}
