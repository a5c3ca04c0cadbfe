import CDac
import Memory

extension Dac {
  /// References of one stack that are looked at.
  private static let referenceLimit = 256

  /// What was given to Environment.FailFast.
  ///
  /// The native half of it keeps its arguments in an explicit Frame so that the garbage collector can find
  /// them: the first string that this refers to is the message, the first exception the exception (measured
  /// on 3.1.23 and 8.0.4).
  ///
  /// - Parameter frame: the address of that Frame.
  func failFast(thread: Int32, frame: UInt64) -> FailFastFacts {
    var facts = FailFastFacts()
    var references = [inquest_dac_stack_reference](
      repeating: inquest_dac_stack_reference(), count: Self.referenceLimit)
    var count: UInt32 = 0
    guard
      inquest_dac_stack_references(
        sos, UInt32(bitPattern: thread), UInt32(references.count), &references, &count) >= 0
    else { return facts }
    let explicitFrame: Int32 = 1
    for reference in references.prefix(Int(count))
    where reference.source_kind == explicitFrame && reference.source == frame
      && reference.object != 0
    {
      if facts.message == nil {
        let (text, leftOut) = string(at: reference.object)
        (facts.message, facts.messageLeftOut) = (text, leftOut)
        if text != nil { continue }
      }
      if facts.exception == nil { facts.exception = exception(at: reference.object) }
    }
    return facts
  }
}
