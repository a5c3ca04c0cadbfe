extension WireWriter {
  mutating func put(_ thread: ManagedThread) {
    put(Int(thread.id))
    put(thread.managedID)
    put(thread.exceptionTable)
    put(thread.mayEnterMonitor)
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

  mutating func put(_ found: ContendedMonitors) {
    put(found.isCutShort)
    put(found.monitors) { writer, monitor in
      writer.put(monitor.object)
      writer.put(monitor.syncBlock)
      writer.put(monitor.type)
      writer.put(Int(monitor.owner))
    }
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
    put(module.metadata)
    put(module.metadataSize)
    put(module.pdb)
    put(module.pdbSize)
  }
}

/// What an honest inspector never exceeds: the DAC's side has limits of its own.
enum WireLimits {
  /// UTF-16 units of a name or a path. Names are at most 4096; an exception's type is written with some
  /// more.
  static let name = 8192
  static let threads = 20_000
  static let nativeCalls = 32
  static let monitors = 4096
  static let mvid = 16
}

extension WireReader {
  /// A text that may not be empty.
  private mutating func name() throws(Damaged) -> String {
    let text = try text(atMost: WireLimits.name)
    guard !text.isEmpty else { throw Damaged() }
    return text
  }

  mutating func threads() throws(Damaged) -> [ManagedThread] {
    try list(atMost: WireLimits.threads) { reader throws(Damaged) in try reader.thread() }
  }

  mutating func thread() throws(Damaged) -> ManagedThread {
    let id = try count(atMost: Int(Int32.max))
    let managed = try count(atMost: Int(Int32.max))
    var result = ManagedThread(id: Int32(id), managedID: managed)
    result.exceptionTable = try word()
    result.mayEnterMonitor = try flag()
    result.isCutShort = try flag()
    result.nativeCalls = try list(atMost: WireLimits.nativeCalls) { reader throws(Damaged) in
      let address = try reader.word()
      return ManagedThread.NativeCall(address: address, method: try reader.word())
    }
    return result
  }

  mutating func failFast() throws(Damaged) -> FailFastFacts {
    var result = FailFastFacts()
    let hasMessage = try flag()
    let message = try text(atMost: ExceptionLimits.message)
    if hasMessage { result.message = message }
    result.messageLeftOut = try count(atMost: Int(Int32.max))
    result.exception = try list(atMost: 1) { reader throws(Damaged) in try reader.exception() }
      .first
    return result
  }

  mutating func contendedMonitors() throws(Damaged) -> ContendedMonitors {
    var result = ContendedMonitors()
    result.isCutShort = try flag()
    result.monitors = try list(atMost: WireLimits.monitors) { reader throws(Damaged) in
      let object = try reader.word()
      let block = try reader.word()
      let type = try reader.word()
      let owner = try reader.count(atMost: Int(Int32.max))
      return ContendedMonitor(object: object, syncBlock: block, type: type, owner: Int32(owner))
    }
    return result
  }

  /// An exception and those inside it.
  mutating func exception() throws(Damaged) -> ExceptionFacts {
    var left = ExceptionLimits.count
    return try exception(depth: ExceptionLimits.depth + 1, left: &left)
  }

  /// - Parameters:
  ///   - depth: how many levels may follow, this one included.
  ///   - left: how many exceptions may follow, this one included.
  private mutating func exception(depth: Int, left: inout Int) throws(Damaged) -> ExceptionFacts {
    guard depth > 0, left > 0 else { throw Damaged() }
    left -= 1
    let type = try name()
    let message = try text(atMost: ExceptionLimits.message)
    let leftOut = try count(atMost: Int(Int32.max))
    var result = ExceptionFacts(
      type: type, message: message, hresult: UInt32(truncatingIfNeeded: try word()))
    result.messageLeftOut = leftOut
    result.entries = try list(atMost: 2 * ExceptionLimits.entries) { reader throws(Damaged) in
      let lookup = try reader.word()
      let ip = try reader.word()
      let sp = try reader.word()
      return ExceptionFacts.Entry(
        lookupAddress: lookup, ip: ip, sp: sp, method: try reader.word())
    }
    result.entriesLeftOut = try count(atMost: Int(Int32.max))
    result.earlierTrace = try text(atMost: ExceptionLimits.message)
    result.isCutShort = try flag()
    let inner = try count(atMost: left)
    for _ in 0..<inner { result.inner.append(try exception(depth: depth - 1, left: &left)) }
    return result
  }

  mutating func method() throws(Damaged) -> ManagedMethod {
    guard let kind = ManagedMethod.Kind(rawValue: try word()) else { throw Damaged() }
    var result = ManagedMethod(kind: kind, name: try name())
    result.start = try word()
    result.method = try word()
    result.module = try word()
    result.token = UInt32(truncatingIfNeeded: try word())
    let offset = try int()
    guard offset <= Int(UInt32.max) else { throw Damaged() }
    result.ilOffset = offset < 0 ? nil : offset
    return result
  }

  mutating func module() throws(Damaged) -> ManagedModule {
    var result = ManagedModule()
    result.path = try text(atMost: WireLimits.name)
    result.mvid = try block(atMost: WireLimits.mvid)
    // Else it cannot be told from none.
    guard result.mvid.isEmpty || result.mvid.count == WireLimits.mvid else { throw Damaged() }
    result.isDynamic = try flag()
    result.image = try word()
    result.imageSize = try word()
    guard !result.image.addingReportingOverflow(result.imageSize).overflow else { throw Damaged() }
    result.metadata = try word()
    result.metadataSize = try word()
    result.pdb = try word()
    result.pdbSize = try word()
    return result
  }
}
