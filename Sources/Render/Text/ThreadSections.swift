import Report

extension Page {
  mutating func addCrashedThread() {
    guard let thread = report.crashedThread else { return }
    addHeading("Thread \(thread.id)", title(thread, crashed: true))
    if let handler = thread.handlerFrames, !handler.isEmpty {
      if options.allThreads {
        add(Line(4, .detail, "crash handling above the fault:"))
        addFrames(handler, indent: 0, style: .handler)
        add(Line(4, .detail, "the fault:"))
      } else {
        add(
          Line(
            6, .detail,
            "… \(Words.many(handler.count, "frame")) of crash handling above the fault; "
              + "--all-threads shows them"))
      }
    }
    addFrames(thread.frames, indent: 0, style: .crashed)
    addEnd(thread, indent: 6)
  }

  mutating func addOtherThreads() {
    // Only the first thread that claims to have crashed has a section of its own.
    let crashed = report.threads.firstIndex { $0.crashed }
    let others = report.threads.enumerated().filter { $0.offset != crashed }.map(\.element)
    guard !others.isEmpty else { return }
    let groups = Self.groups(others)
    let title = report.crashedThread == nil ? "Threads" : "Other threads"
    let stacks =
      switch groups.count {
      case others.count: ""
      case 1: " with the same stack"
      default: " with \(groups.count) different stacks"
      }
    addHeading(title, [Span(.detail, "  \(Words.many(others.count, "thread"))\(stacks)")])
    let shown = options.allThreads ? groups.count : 16
    for group in groups.prefix(shown) { add(group) }
    let hidden = groups.dropFirst(shown)
    if !hidden.isEmpty {
      let threads = hidden.reduce(0) { $0 + $1.count }
      add(.blank)
      add(
        Line(
          2, .detail,
          "… \(Words.many(threads, "more thread")) with \(Words.many(hidden.count, "stack")); "
            + "--all-threads shows them"))
    }
  }

  /// Threads with the same stack, address by address; what few threads do comes first, because that
  /// is where the odd one out is.
  static func groups(_ threads: [ThreadRecord]) -> [[ThreadRecord]] {
    var order: [[HexNumber]] = []
    var byStack: [[HexNumber]: [ThreadRecord]] = [:]
    for thread in threads {
      // A stack that nobody could walk is like no other.
      let key =
        thread.frames.isEmpty
        ? [HexNumber(UInt64(bitPattern: Int64(thread.id)))] : thread.frames.map(\.ip)
      if byStack[key] == nil { order.append(key) }
      byStack[key, default: []].append(thread)
    }
    let groups = order.compactMap { byStack[$0] }
    return groups.filter { $0.count == 1 }
      + groups.filter { $0.count > 1 }.enumerated()
      .sorted { ($0.element.count, $0.offset) < ($1.element.count, $1.offset) }.map(\.element)
  }

  private mutating func add(_ group: [ThreadRecord]) {
    guard let first = group.first else { return }
    add(.blank)
    if group.count == 1 {
      add(
        Line(
          2, hang: 4, [Span(.heading, "Thread \(first.id)")] + title(first) + activity(first)))
    } else {
      add(
        Line(
          2, hang: 4,
          [Span(.heading, "×\(group.count) threads")] + names(group) + activity(first)))
      let ids = options.allThreads ? group.count : 12
      let list = group.prefix(ids).map { "\($0.id)" }.joined(separator: ", ")
      add(Line(4, hang: 4, .detail, "tids " + list + (group.count > ids ? ", …" : "")))
    }
    addFrames(first.frames, indent: 0, style: .other)
    addEnd(first, indent: 6)
  }

  private func names(_ group: [ThreadRecord]) -> [Span] {
    var names: [String] = []
    for case let name? in group.map(\.name) where !names.contains(name) { names.append(name) }
    guard !names.isEmpty else { return [] }
    let quoted = names.prefix(3).map { "\"\($0)\"" }.joined(separator: ", ")
    return [Span(.plain, " " + quoted + (names.count > 3 ? ", …" : ""), limit: 200)]
  }

  private func title(_ thread: ThreadRecord, crashed: Bool = false) -> [Span] {
    var spans: [Span] = []
    if let name = thread.name { spans.append(Span(.plain, " \"\(name)\"", limit: 80)) }
    if crashed {
      let survives = report.crash.survives == true
      spans.append(Span(.verdict, survives ? " got the signal" : " crashed"))
    }
    if let managed = thread.managed {
      spans.append(Span(.detail, ", managed thread \(managed.id)"))
      if let type = managed.exceptionType { spans.append(Span(.warning, ", handling \(type)")) }
    }
    return spans
  }

  private func activity(_ thread: ThreadRecord) -> [Span] {
    guard let state = thread.state else { return [] }
    guard state == "sleeping" || state == "disk_sleep" else { return [Span(.plain, " \(state)")] }
    let (function, caller) = wait(of: thread)
    var spans = [Span(.plain, function == nil ? " waiting" : " waiting in ")]
    if let function { spans.append(Span(.function, function, limit: 120)) }
    if let caller { spans.append(Span(.detail, ", called from \(caller)", limit: 120)) }
    return spans
  }

  /// What a thread waits in: the function that called the C library, whose own `syscall` says little.
  /// Where that caller has no name, the C library's function and the caller's file.
  private func wait(of thread: ThreadRecord) -> (function: String?, caller: String?) {
    let frames = thread.frames.filter { $0.kind != .inlined }
    let system = frames.prefix { isSystem($0) }
    let caller = frames.dropFirst(system.count).first
    if let name = caller?.function, caller?.plumbing != true {
      return (Self.withoutParameters(name), nil)
    }
    let file = caller.flatMap { module($0) }.flatMap {
      $0.kind == .jit ? nil : $0.path.lastPathComponent
    }
    let outer = system.last { $0.function != nil }?.function
    return (outer, file)
  }

  private func isSystem(_ frame: Frame) -> Bool {
    let file = module(frame)?.path.lastPathComponent ?? ""
    return ["libc.", "libc-", "libpthread", "ld-linux", "ld-musl", "[vdso]", "linux-vdso"]
      .contains(where: file.hasPrefix)
  }

  /// `ns::f(std::function<void (int)>)` without its last pair of parentheses and what is in it.
  private static func withoutParameters(_ name: String) -> String {
    guard name.last == ")" else { return name }
    var depth = 0
    for index in name.indices.reversed() {
      if name[index] == ")" { depth += 1 }
      if name[index] == "(" { depth -= 1 }
      if depth == 0 { return index == name.startIndex ? name : String(name[..<index]) }
    }
    return name
  }

  private mutating func addEnd(_ thread: ThreadRecord, indent: Int) {
    // The count goes from the fault on: crash handling above it is no part of it.
    let missing = max(0, thread.frameCount) - listed(thread)
    if thread.frames.isEmpty {
      add(Line(indent, .warning, "no frames: \(Words.end(thread.endReason))"))
    } else if !thread.complete {
      var text = "the stack goes on, but not here: \(Words.end(thread.endReason))"
      if missing > 0 { text += "; \(Words.many(missing, "frame")) not in the report" }
      add(Line(indent, .warning, text))
    } else if missing > 0 {
      add(
        Line(indent, .detail, "… \(Words.many(missing, "frame")) of this stack not in the report"))
    }
  }

  /// The frames that the list stands for, repetitions counted.
  private func listed(_ thread: ThreadRecord) -> Int {
    thread.frames.reduce(thread.frames.count) {
      min($0 + ($1.repeated?.more ?? 0), 1_000_000_000_000)
    }
  }
}
