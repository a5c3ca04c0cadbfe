import CDac
import Memory

/// How much of an exception is read: everything in it is the target's to choose.
enum ExceptionLimits {
  /// Levels of inner exceptions.
  static let depth = 32
  /// Exceptions in all.
  static let count = 256
  /// Entries of one stack trace: this many from where it was thrown, and as many from its other end.
  static let entries = 500
  /// UTF-16 units of a message.
  static let message = 32 << 10
}

extension Dac {
  /// An exception and those inside it; nil when there is no exception object at `address`.
  func exception(at address: UInt64) -> ExceptionFacts? {
    var seen: Set<UInt64> = []
    return exception(at: address, depth: 0, seen: &seen)
  }

  private func exception(at address: UInt64, depth: Int, seen: inout Set<UInt64>) -> ExceptionFacts?
  {
    var data = inquest_dac_exception()
    guard inquest_dac_get_exception(sos2, address, &data) == 0, let name = className(address) else {
      return nil
    }
    let type = ManagedName.reflected(name)
    seen.insert(address)
    let fields = ObjectFields(dac: self, object: address)
    let own = string(at: data.message)
    var facts = ExceptionFacts(
      type: type, message: own.text ?? "Exception of type '\(type)' was thrown.",
      hresult: UInt32(bitPattern: data.hresult))
    facts.messageLeftOut = own.leftOut
    readStackTrace(data.stack_trace, into: &facts)
    facts.earlierTrace = string(at: data.remote_stack_trace_text).text ?? ""

    let siblings = siblings(fields)
    for inner in siblings ?? (data.inner != 0 ? [data.inner] : []) {
      // A chain that bites its own tail, or is too long to be anyone's intention.
      guard depth < ExceptionLimits.depth, seen.count < ExceptionLimits.count, !seen.contains(inner)
      else {
        facts.isCutShort = true
        break
      }
      guard let found = exception(at: inner, depth: depth + 1, seen: &seen) else {
        facts.isCutShort = true
        continue
      }
      facts.inner.append(found)
    }
    completeMessage(&facts, fields, isAggregate: siblings != nil)
    return facts
  }

  /// What the Message properties of the framework's own classes add to the text that was given.
  private func completeMessage(
    _ facts: inout ExceptionFacts, _ fields: ObjectFields, isAggregate: Bool
  ) {
    guard facts.messageLeftOut == 0 else { return }
    if isAggregate, !facts.inner.isEmpty {
      // The inner messages are in `inner` in full; here they serve to look like what the runtime prints.
      facts.message += facts.inner.map { " (\($0.message))" }.joined()
    }
    // By the class and not by the field alone: anybody may have one of the same name.
    if let name = fields.text("_paramName"), !name.isEmpty, fields.isA("System.ArgumentException") {
      facts.message += " (Parameter '\(name)')"
      if let value = fields.boxedText("_actualValue") {
        facts.message += "\nActual value was \(value)."
      }
    }
    if facts.type == "System.ObjectDisposedException", let name = fields.text("_objectName"),
      !name.isEmpty
    {
      facts.message += "\nObject name: '\(name)'."
    }
    let units = facts.message.utf16.count
    if units > ExceptionLimits.message {
      facts.messageLeftOut = units - ExceptionLimits.message
      facts.message = String(
        decoding: facts.message.utf16.prefix(ExceptionLimits.message), as: UTF16.self)
    }
  }

  /// The exceptions inside an AggregateException; nil for any other.
  private func siblings(_ fields: ObjectFields) -> [UInt64]? {
    // .NET 6 and later: an array. Before: a read-only collection around one.
    var list = fields.reference("_innerExceptions") ?? fields.reference("m_innerExceptions")
    guard list != nil, fields.isA("System.AggregateException") else { return nil }
    for _ in 0..<3 {
      guard let object = list else { return nil }
      if let elements = references(inArray: object) { return elements }
      let inner = ObjectFields(dac: self, object: object)
      list = inner.reference("list") ?? inner.reference("_items")
    }
    return nil
  }

  /// The elements of an array of references, without nulls; nil when there is no such array.
  private func references(inArray address: UInt64) -> [UInt64]? {
    guard let object = arrayData(address), object.element_size == 8 else { return nil }
    let count = min(Int(clamping: object.count), ExceptionLimits.count)
    return (0..<count).compactMap { index in
      memory.load(UInt64.self, at: object.data &+ UInt64(8 * index)).flatMap { $0 == 0 ? nil : $0 }
    }
  }

  private func arrayData(_ address: UInt64) -> inquest_dac_object? {
    var object = inquest_dac_object()
    let array: Int32 = 3
    guard inquest_dac_get_object(sos, address, &object) == 0, object.kind == array,
      object.data != 0
    else { return nil }
    return object
  }

  /// A string object's text.
  ///
  /// Read from memory and not through the DAC, whose buffer ends at the first zero and at its own limit:
  /// after the method table come the length in UTF-16 units and the units (System.String's layout).
  func string(at address: UInt64) -> (text: String?, leftOut: Int) {
    guard address != 0, className(address) == "System.String",
      let length = memory.load(Int32.self, at: address &+ 8), length >= 0
    else { return (nil, 0) }
    let count = min(Int(length), ExceptionLimits.message)
    let bytes = memory.prefix(at: address &+ 12, atMost: 2 * count)
    let units = bytes.withUnsafeBytes { raw in
      (0..<raw.count / 2).map { raw.loadUnaligned(fromByteOffset: 2 * $0, as: UInt16.self) }
    }
    return (String(decoding: units, as: UTF16.self), Int(length) - units.count)
  }

  /// The stack trace that the runtime gathered while the exception passed.
  ///
  /// An array of bytes: a count, padding, a pointer, then elements of 32 bytes: ip, sp, MethodDesc, flags
  /// (vm/object.h, StackTraceArray). From .NET 9 on the field may hold an array of objects whose first is
  /// that array.
  private func readStackTrace(_ address: UInt64, into facts: inout ExceptionFacts) {
    guard address != 0, var array = arrayData(address) else { return }
    if array.element_size == 8 {
      guard let first = memory.load(UInt64.self, at: array.data), first != 0,
        let inner = arrayData(first)
      else { return }
      array = inner
    }
    let (header, size) = (16, 32)
    guard array.element_size == 1, let said = memory.load(UInt32.self, at: array.data) else {
      return
    }
    let room = max(0, (Int(clamping: array.count) - header) / size)
    let count = min(Int(said), room)
    let limit = ExceptionLimits.entries
    facts.entriesLeftOut = max(0, count - 2 * limit)
    for index in 0..<count where index < limit || index >= count - limit {
      let at = array.data &+ UInt64(header + size * index)
      guard let ip = memory.load(UInt64.self, at: at),
        let sp = memory.load(UInt64.self, at: at &+ 8),
        let method = memory.load(UInt64.self, at: at &+ 16),
        let flags = memory.load(Int32.self, at: at &+ 24)
      else { return }
      // Flag 2: the runtime has already moved the address into the calling instruction (8.0). 3.1 looks
      // lines up at the return address itself, which can be the next statement's; its printed traces say
      // so, and these frames are to say what they say. The thread's own frames have the call's line.
      let isAdjusted = flags & 2 != 0 || isCore3 || ip == 0
      facts.entries.append(
        ExceptionFacts.Entry(
          lookupAddress: isAdjusted ? ip : ip &- 1, ip: isAdjusted && !isCore3 ? ip &+ 1 : ip,
          sp: sp, method: method))
    }
  }
}
