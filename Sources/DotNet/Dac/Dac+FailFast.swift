import CDac
import Memory

extension Dac {
  /// The message given to Environment.FailFast, and how many UTF-16 units of it are left out.
  ///
  /// The native half of FailFast keeps its arguments in an explicit Frame (`HelperMethodFrame_1OBJ` and
  /// its kin) so that the collector can find them: the first string that such a frame refers to is the
  /// message (measured on 3.1.23 and 8.0.4).
  func failFastMessage(thread: Int32) -> (text: String, leftOut: Int)? {
    let capacity = 256
    var references = [inquest_dac_stack_reference](
      repeating: inquest_dac_stack_reference(), count: capacity)
    var count: UInt32 = 0
    guard
      inquest_dac_stack_references(
        sos, UInt32(bitPattern: thread), UInt32(capacity), &references, &count) >= 0
    else { return nil }
    let explicitFrame: Int32 = 1
    for reference in references.prefix(min(capacity, Int(count)))
    where reference.source_kind == explicitFrame && reference.object != 0 {
      guard isHelperFrame(reference.source) else { continue }
      let (text, leftOut) = string(at: reference.object)
      if let text { return (text, leftOut) }
    }
    return nil
  }

  private func isHelperFrame(_ address: UInt64) -> Bool {
    guard let table = memory.load(UInt64.self, at: address),
      let name = text({ inquest_dac_frame_name(sos, table, $0, $1, &$2) })
    else { return false }
    return name.hasPrefix("HelperMethodFrame") && name.hasSuffix("OBJ")
      || name.hasPrefix("HelperMethodFrame_PROTECTOBJ")
  }
}
