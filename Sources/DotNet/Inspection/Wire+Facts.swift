extension WireWriter {
  mutating func put(_ thread: ManagedThread) {
    put(Int(thread.id))
    put(thread.managedID)
    put(thread.exceptionTable)
    put(thread.isCutShort)
    put(thread.nativeCalls) { writer, call in
      writer.put(call.address)
      writer.put(call.method)
    }
  }

  mutating func put(_ call: FailFastFacts) {
    put(call.message != nil)
    put(call.message ?? "")
    put(call.messageLeftOut)
    put(call.exception.map { [$0] } ?? []) { $0.put($1) }
  }

  mutating func put(_ exception: ExceptionFacts) {
    put(exception.type)
    put(exception.message)
    put(exception.messageLeftOut)
    put(UInt64(exception.hresult))
    put(exception.entries) { writer, entry in
      writer.put(entry.lookupAddress)
      writer.put(entry.ip)
      writer.put(entry.sp)
      writer.put(entry.method)
    }
    put(exception.entriesLeftOut)
    put(exception.earlierTrace)
    put(exception.isCutShort)
    put(exception.inner) { $0.put($1) }
  }

  mutating func put(_ method: ManagedMethod) {
    put(method.kind.rawValue)
    put(method.name)
    put(method.start)
    put(method.method)
    put(method.module)
    put(UInt64(method.token))
    put(method.ilOffset ?? -1)
  }

  mutating func put(_ module: ManagedModule) {
    put(module.path)
    put(module.mvid)
    put(module.isDynamic)
    put(module.image)
    put(module.imageSize)
    put(module.isFileLayout)
    put(module.metadata)
    put(module.metadataSize)
    put(module.pdb)
    put(module.pdbSize)
  }
}

extension WireReader {
  mutating func thread() throws(Damaged) -> ManagedThread {
    let id = try int()
    let managed = try int()
    var result = ManagedThread(id: Int32(truncatingIfNeeded: id), managedID: managed)
    result.exceptionTable = try word()
    result.isCutShort = try flag()
    result.nativeCalls = try list { reader throws(Damaged) in
      let address = try reader.word()
      return ManagedThread.NativeCall(address: address, method: try reader.word())
    }
    return result
  }

  mutating func failFast() throws(Damaged) -> FailFastFacts {
    var result = FailFastFacts()
    let hasMessage = try flag()
    let message = try text()
    if hasMessage { result.message = message }
    result.messageLeftOut = try int()
    result.exception = try list { reader throws(Damaged) in try reader.exception() }.first
    return result
  }

  /// - Parameter depth: how many levels of inner exceptions may follow.
  mutating func exception(depth: Int = ExceptionLimits.depth + 1) throws(Damaged) -> ExceptionFacts
  {
    guard depth > 0 else { throw Damaged() }
    let type = try text()
    let message = try text()
    let leftOut = try int()
    var result = ExceptionFacts(
      type: type, message: message, hresult: UInt32(truncatingIfNeeded: try word()))
    result.messageLeftOut = leftOut
    result.entries = try list { reader throws(Damaged) in
      let lookup = try reader.word()
      let ip = try reader.word()
      let sp = try reader.word()
      return ExceptionFacts.Entry(
        lookupAddress: lookup, ip: ip, sp: sp, method: try reader.word())
    }
    result.entriesLeftOut = try int()
    result.earlierTrace = try text()
    result.isCutShort = try flag()
    result.inner = try list { reader throws(Damaged) in try reader.exception(depth: depth - 1) }
    return result
  }

  mutating func method() throws(Damaged) -> ManagedMethod {
    guard let kind = ManagedMethod.Kind(rawValue: try word()) else { throw Damaged() }
    var result = ManagedMethod(kind: kind, name: try text())
    result.start = try word()
    result.method = try word()
    result.module = try word()
    result.token = UInt32(truncatingIfNeeded: try word())
    let offset = try int()
    result.ilOffset = offset < 0 ? nil : offset
    return result
  }

  mutating func module() throws(Damaged) -> ManagedModule {
    var result = ManagedModule()
    result.path = try text()
    result.mvid = try block()
    result.isDynamic = try flag()
    result.image = try word()
    result.imageSize = try word()
    result.isFileLayout = try flag()
    result.metadata = try word()
    result.metadataSize = try word()
    result.pdb = try word()
    result.pdbSize = try word()
    return result
  }
}
