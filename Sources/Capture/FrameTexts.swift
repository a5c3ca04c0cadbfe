import Memory
import Report
import Unwinding

/// Writes the frames of native stacks as JSON, each address once.
///
/// Only for stacks of which a frame depends on nothing but its own step: not where the runtime is asked about
/// neighbours, nor for the crashed thread, nor where a recursion is folded.
struct FrameTexts {
  let builder: FrameBuilder
  private var texts: [FrameText] = []
  private var positions: [Key: Int] = [:]
  /// What was looked up last, by the lowest bits of the address: hashing a key takes longer than all the rest.
  private var recent: [(key: Key, text: Int)?] = Array(repeating: nil, count: 1024)

  private struct Key: Hashable {
    let ip: UInt64
    let lookupAddress: UInt64
    let trust: Walk.Trust
    let isSignalTrampoline: Bool
    let stack: StackRecord.Kind?
  }

  init(_ builder: FrameBuilder) {
    self.builder = builder
  }

  /// Appends a list of the frames of all steps.
  mutating func append(
    _ steps: [Walk.Step], stacks: StackFinder, home: StackRecord?, to bytes: inout [UInt8]
  ) {
    bytes.append(UInt8(ascii: "["))
    for (index, step) in steps.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      // Nearly all frames are on their thread's own stack: no look-up for these.
      let isHome =
        stacks.alternateStacks.isEmpty
        && home.map { $0.start.value <= step.sp && step.sp < $0.end.value } ?? false
      let stack = isHome ? nil : builder.stack(of: step, stacks: stacks, home: home?.kind)
      let text = text(step, stack: stack)
      texts[text].append(stackPointer: HexNumber(step.sp), to: &bytes)
    }
    bytes.append(UInt8(ascii: "]"))
  }

  private mutating func text(_ step: Walk.Step, stack: StackRecord.Kind?) -> Int {
    let key = Key(
      ip: step.ip, lookupAddress: step.lookupAddress, trust: step.trust,
      isSignalTrampoline: step.isSignalTrampoline, stack: stack)
    let slot = Int(truncatingIfNeeded: step.ip) & (recent.count - 1)
    if let last = recent[slot], last.key == key { return last.text }
    let text = positions[key] ?? texts.count
    if text == texts.count {
      texts.append(FrameText(builder.activation(of: step, stack: stack)))
      positions[key] = text
    }
    recent[slot] = (key, text)
    return text
  }
}
