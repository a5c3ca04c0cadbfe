public import Memory

/// What only an image's file tells about its unwind information: section headers are in no memory.
///
/// Asked once for an image, and only when its memory has no answer.
public struct UnwindSections {
  /// Where `.eh_frame` lies, as the file has it: its bytes are read from memory.
  public var exceptionFrames: (Image) -> Range<UInt64>?
  /// The bytes of `.debug_frame`, unpacked, from the file or from its debug file.
  public var debugFrames: (Image) -> [UInt8]?

  public init(
    exceptionFrames: @escaping (Image) -> Range<UInt64>?,
    debugFrames: @escaping (Image) -> [UInt8]?
  ) {
    self.exceptionFrames = exceptionFrames
    self.debugFrames = debugFrames
  }
}
