/// The JSON of the frames that an address stands for, but for the stack pointer: nothing else differs between one
/// stack and the next. Thousands of threads share a few dozen addresses.
public struct FrameText: Sendable {
  private let bytes: [UInt8]
  /// Where in `bytes` a stack pointer is missing.
  private let cuts: [Int]

  /// - Parameter frames: those of one machine frame, which have one stack pointer: the calls inlined into it, and
  ///   itself.
  public init(_ frames: [Frame]) {
    var bytes: [UInt8] = []
    var cuts: [Int] = []
    for (index, frame) in frames.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      bytes.append(frame) { cuts.append($0.count) }
    }
    self.bytes = bytes
    self.cuts = cuts
  }

  /// Appends what ``JSONStream`` would write for the frames with this stack pointer, without brackets.
  public func append(stackPointer: HexNumber, to text: inout [UInt8]) {
    var start = 0
    for cut in cuts {
      text += bytes[start..<cut]
      text.append(hex: stackPointer)
      start = cut
    }
    text += bytes[start...]
  }
}
