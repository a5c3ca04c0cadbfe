import Report

extension Page {
  /// The assembly or library that a frame's code belongs to; nil for code of no file.
  func home(_ frame: Frame) -> String? {
    if let assembly = frame.managed?.assembly, !assembly.isEmpty { return assembly }
    // Generated code has a file only in name ("memfd:doublemapper").
    guard let module = module(frame), module.kind != .jit else { return nil }
    return module.path.lastPathComponent
  }

  /// Code of the C library.
  func isSystem(_ frame: Frame) -> Bool {
    guard frame.kind == .native || frame.kind == .inlined else { return false }
    let file = module(frame)?.path.lastPathComponent ?? ""
    return ["libc.", "libc-", "libpthread", "ld-linux", "ld-musl", "[vdso]", "linux-vdso"]
      .contains(where: file.hasPrefix)
  }

  /// A .NET method that a developer may know by its name; methods inside the runtime are among them.
  func isMethod(_ frame: Frame) -> Bool {
    (frame.kind == .managed || frame.kind == .runtime) && frame.function != nil
      && frame.plumbing != true
  }

  /// A method that came with .NET.
  func isFramework(_ frame: Frame) -> Bool {
    guard isMethod(frame), let function = frame.function else { return false }
    if frame.kind == .runtime { return true }
    let name = home(frame) ?? function
    return name == "mscorlib.dll" || name == "netstandard.dll"
      || ["System.", "Microsoft."].contains(where: name.hasPrefix)
  }

  /// A method of the program's own, or of a library that it uses.
  func isOwn(_ frame: Frame) -> Bool {
    isMethod(frame) && !isFramework(frame)
  }

  /// Threads that .NET keeps for itself, and that only wait: nothing in them is the program's.
  func isHousekeeping(_ thread: ThreadRecord) -> Bool {
    thread.isWaiting && thread.waitsFor == nil && thread.complete
      && thread.managed?.exceptionType == nil
      && thread.frames.contains { $0.plumbing == true }
      && thread.frames.allSatisfy { $0.plumbing == true || isSystem($0) }
  }
}

extension ThreadRecord {
  var isWaiting: Bool {
    state == "sleeping" || state == "disk_sleep"
  }
}

extension String {
  /// `ns::f(std::function<void (int)>)` without its last pair of parentheses and what is in it.
  var withoutParameters: String {
    guard last == ")" else { return self }
    var depth = 0
    for index in indices.reversed() {
      if self[index] == ")" { depth += 1 }
      if self[index] == "(" { depth -= 1 }
      if depth == 0 { return index == startIndex ? self : String(self[..<index]) }
    }
    return self
  }

  /// `System.Collections.Generic.List<T>.Add` as its type and the rest.
  private var splitMethod: (type: Substring, method: Substring)? {
    var depth = 0
    for index in indices.reversed() {
      switch self[index] {
      case ">": depth += 1
      case "<": depth -= 1
      case "." where depth == 0 && index > startIndex:
        return (self[..<index], self[self.index(after: index)...])
      default: break
      }
    }
    return nil
  }

  /// The type of a .NET method.
  var methodType: String {
    splitMethod.map { String($0.type) } ?? ""
  }

  /// A .NET method without its namespace.
  var shortMethod: String {
    guard let (type, method) = splitMethod else { return self }
    let short = String(type).splitMethod?.method ?? type
    return short + "." + method
  }

  /// A method that another one of the same name hides: what it does is known by the other one.
  var isDouble: Bool {
    let method = splitMethod.map { String($0.method) } ?? self
    return method.contains("Internal")
      || ["Core", "NoCheck", "Native"].contains(where: method.hasSuffix)
  }
}
