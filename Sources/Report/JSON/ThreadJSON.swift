/// Threads, frames and mappings as JSON, written without an `Encoder`: a report has thousands of them, and the
/// containers of a dozen keys each took a third of the time of a capture. What comes out is what their own
/// conformances say, key for key.
extension [UInt8] {
  mutating func append(_ thread: ThreadRecord) {
    append(thread) { $0.append(thread.frames) }
  }

  /// - Parameter writeFrames: appends the list of the thread's frames, in place of its own.
  mutating func append(_ thread: ThreadRecord, writeFrames: (inout [UInt8]) -> Void) {
    append("{\"id\":", thread.id)
    append(",\"name\":", thread.name)
    append(",\"crashed\":", thread.crashed)
    append(",\"state\":", thread.state)
    if let managed = thread.managed {
      append(",\"managed\":{\"id\":", managed.id)
      append(",\"exception_type\":", managed.exceptionType)
      append(UInt8(ascii: "}"))
    }
    if let registers = thread.registers {
      append(raw: ",\"registers\":{")
      var isFirst = true
      for entry in registers.entries {
        if !isFirst { append(UInt8(ascii: ",")) }
        isFirst = false
        append(string: entry.name)
        append(":", entry.value)
      }
      append(UInt8(ascii: "}"))
    }
    if let stack = thread.stack {
      append(raw: ",\"stack\":")
      append(stack)
    }
    if let stacks = thread.stacks {
      append(raw: ",\"stacks\":[")
      for (index, stack) in stacks.enumerated() {
        if index > 0 { append(UInt8(ascii: ",")) }
        append(stack)
      }
      append(UInt8(ascii: "]"))
    }
    if let wait = thread.waitsFor {
      append(",\"waits_for\":{\"kind\":", wait.kind.rawValue)
      append(",\"address\":", wait.address)
      append(",\"type\":", wait.type)
      append(",\"owner_thread_id\":", wait.owner)
      append(UInt8(ascii: "}"))
    }
    append(raw: ",\"frames\":")
    writeFrames(&self)
    if let frames = thread.handlerFrames {
      append(raw: ",\"handler_frames\":")
      append(frames)
    }
    append(",\"frame_count\":", thread.frameCount)
    append(",\"complete\":", thread.complete)
    append(",\"end_reason\":", thread.endReason.rawValue)
    append(UInt8(ascii: "}"))
  }

  private mutating func append(_ stack: StackRecord) {
    append("{\"kind\":", stack.kind.rawValue)
    append(",\"start\":", stack.start)
    append(",\"end\":", stack.end)
    if let pages = stack.guardPages {
      append(",\"guard\":{\"start\":", pages.start)
      append(",\"end\":", pages.end)
      append(UInt8(ascii: "}"))
    }
    append(UInt8(ascii: "}"))
  }

  mutating func append(_ frames: [Frame]) {
    append(UInt8(ascii: "["))
    var isFirst = true
    for frame in frames {
      if !isFirst { append(UInt8(ascii: ",")) }
      isFirst = false
      append(frame) { $0.append(hex: frame.sp) }
    }
    append(UInt8(ascii: "]"))
  }

  /// - Parameter writeStackPointer: appends the value of `sp`.
  mutating func append(_ frame: Frame, writeStackPointer: (inout [UInt8]) -> Void) {
    append(raw: "{\"kind\":")
    append(string: frame.kind.rawValue)
    append(",\"trust\":", frame.trust.rawValue)
    append(",\"ip\":", frame.ip)
    append(raw: ",\"sp\":")
    writeStackPointer(&self)
    append(",\"stack\":", frame.stack?.rawValue)
    append(",\"module\":", frame.module)
    append(",\"module_offset\":", frame.moduleOffset)
    append(",\"function\":", frame.function)
    append(",\"raw_function\":", frame.rawFunction)
    append(",\"function_offset\":", frame.functionOffset)
    append(",\"file\":", frame.file)
    append(",\"line\":", frame.line)
    append(",\"column\":", frame.column)
    if let managed = frame.managed {
      append(",\"managed\":{\"token\":", managed.token)
      append(",\"il_offset\":", managed.ilOffset)
      append(",\"assembly\":", managed.assembly)
      append(",\"mvid\":", managed.mvid)
      append(UInt8(ascii: "}"))
    }
    append(",\"signal_frame\":", frame.signalFrame)
    append(",\"plumbing\":", frame.plumbing)
    if let repeated = frame.repeated {
      append(",\"repeated\":{\"frames\":", repeated.frames)
      append(",\"times\":", repeated.times)
      append(UInt8(ascii: "}"))
    }
    append(UInt8(ascii: "}"))
  }

  mutating func append(_ maps: [MapRecord]) {
    append(UInt8(ascii: "["))
    for (index, map) in maps.enumerated() {
      if index > 0 { append(UInt8(ascii: ",")) }
      append("{\"start\":", map.start)
      append(",\"end\":", map.end)
      append(",\"permissions\":", map.permissions)
      append(",\"offset\":", map.offset)
      append(",\"path\":", map.path)
      append(",\"fault\":", map.fault)
      append(",\"file_bytes\":", map.fileBytes)
      append(UInt8(ascii: "}"))
    }
    append(UInt8(ascii: "]"))
  }

  private mutating func append(_ key: StaticString, _ value: String?) {
    guard let value else { return }
    append(raw: key)
    append(string: value)
  }

  private mutating func append(_ key: StaticString, _ value: HexNumber?) {
    guard let value else { return }
    append(raw: key)
    append(hex: value)
  }

  private mutating func append(_ key: StaticString, _ value: Int?) {
    guard let value else { return }
    append(raw: key)
    append(number: value)
  }

  private mutating func append(_ key: StaticString, _ value: Bool?) {
    guard let value else { return }
    append(raw: key)
    value ? append(raw: "true") : append(raw: "false")
  }
}
