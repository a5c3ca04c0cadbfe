import Report

extension Page {
  mutating func addCrashedThread() {
    guard let thread = report.crashedThread else { return }
    addHeading("Thread \(thread.id)", title(thread, crashed: true))
    addWait(thread)
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
    let groups = groups(others)
    let title = report.crashedThread == nil ? "Threads" : "Other threads"
    let stacks =
      switch groups.count {
      case others.count: ""
      case 1: " with the same stack"
      default: " with \(groups.count) different stacks"
      }
    addHeading(title, [Span(.detail, "  \(Words.many(others.count, "thread"))\(stacks)")])
    let idle = options.allThreads ? [] : groups.filter { isHousekeeping($0[0]) }
    let told = options.allThreads ? groups : groups.filter { !isHousekeeping($0[0]) }
    let shown = options.allThreads ? told.count : 16
    for group in told.prefix(shown) { add(group) }
    let hidden = told.dropFirst(shown)
    if !hidden.isEmpty {
      let threads = hidden.reduce(0) { $0 + $1.count }
      add(.blank)
      add(
        Line(
          2, .detail,
          "… \(Words.many(threads, "more thread")) with \(Words.many(hidden.count, "stack")); "
            + "--all-threads shows them"))
    }
    addHousekeeping(idle.flatMap { $0 })
  }

  /// Threads with the same stack, address by address, that wait for the same lock if for any. Those that are in the program's own code come
  /// first; then what few threads do, because that is where the odd one out is.
  private func groups(_ threads: [ThreadRecord]) -> [[ThreadRecord]] {
    var order: [[HexNumber]] = []
    var byStack: [[HexNumber]: [ThreadRecord]] = [:]
    for thread in threads {
      // A stack that nobody could walk is like no other.
      let key =
        thread.frames.isEmpty
        ? [HexNumber(UInt64(bitPattern: Int64(thread.id)))]
        : [thread.waitsFor?.address ?? HexNumber(0)] + thread.frames.map(\.ip)
      if byStack[key] == nil { order.append(key) }
      byStack[key, default: []].append(thread)
    }
    return order.compactMap { byStack[$0] }.enumerated().map {
      (rank: $1[0].frames.contains(where: isOwn) ? 0 : 1, count: $1.count, place: $0, group: $1)
    }.sorted { ($0.rank, $0.count, $0.place) < ($1.rank, $1.count, $1.place) }.map(\.group)
  }

  private mutating func add(_ group: [ThreadRecord]) {
    guard let first = group.first else { return }
    add(.blank)
    if group.count == 1 {
      addHead([Span(.heading, "Thread \(first.id)")] + title(first), first)
    } else {
      addHead([Span(.heading, "×\(group.count) threads")] + names(group), first)
      let ids = options.allThreads ? group.count : 12
      let list = group.prefix(ids).map { "\($0.id)" }.joined(separator: ", ")
      add(Line(4, hang: 4, .detail, "tids " + list + (group.count > ids ? ", …" : "")))
    }
    addWait(first)
    addFrames(first.frames, indent: 0, style: .other)
    addEnd(first, indent: 6)
  }

  private mutating func addHead(_ spans: [Span], _ thread: ThreadRecord) {
    let line = Line(2, hang: 4, spans)
    add(Line(2, hang: 4, spans + activity(thread, taken: line.columns)))
  }

  /// The runtime's own threads, which are in every .NET process and hardly ever the reason.
  private mutating func addHousekeeping(_ threads: [ThreadRecord]) {
    guard !threads.isEmpty else { return }
    var order: [String] = []
    var byName: [String: [Int]] = [:]
    for thread in threads {
      let name = housekeepingName(thread)
      if byName[name] == nil { order.append(name) }
      byName[name, default: []].append(thread.id)
    }
    add(.blank)
    add(
      Line(
        2, hang: 4,
        [
          Span(.heading, Words.many(threads.count, "thread")),
          Span(.plain, " of the runtime itself, waiting"),
          Span(.detail, "; --all-threads shows them"),
        ]))
    let shown = order.prefix(12)
    var spans = shown.enumerated().map { index, name in
      let ids = byName[name] ?? []
      let which = ids.count == 1 ? "\(ids[0])" : "×\(ids.count)"
      let end = index < order.count - 1 ? ", " : ""
      return Span(.detail, name + " " + which + end, together: true, limit: 200)
    }
    if order.count > shown.count { spans.append(Span(.detail, "…")) }
    add(Line(4, hang: 4, spans))
  }

  /// The thread's name, or where it has only the process', the function that it began in.
  private func housekeepingName(_ thread: ThreadRecord) -> String {
    if let name = thread.name, name != report.process.name { return name }
    let entry = thread.frames.last {
      guard $0.plumbing == true, let function = $0.function else { return false }
      return !function.contains("ThreadEntry") && !function.hasPrefix("ManagedThreadBase")
    }
    return entry?.function?.withoutParameters ?? thread.name ?? "thread"
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
    if let managed = thread.managed { spans.append(Span(.detail, " (managed \(managed.id))")) }
    if crashed {
      let survives = report.crash.survives == true
      spans.append(Span(.verdict, survives ? " got the signal" : " crashed"))
    }
    if let type = thread.managed?.exceptionType {
      spans.append(Span(.warning, crashed ? " with \(type)" : " handling \(type)"))
    }
    return spans
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

  /// The frames that the list stands for, repetitions counted, inlined calls not: `frame_count` has none.
  private func listed(_ thread: ThreadRecord) -> Int {
    let frames = thread.frames
    func count(_ range: Range<Int>) -> Int { frames[range].count { $0.kind != .inlined } }
    return frames.indices.reduce(count(frames.indices)) { sum, index in
      guard var repeated = frames[index].repeated, repeated.frames > 0,
        repeated.frames <= frames.count - index
      else { return sum }
      repeated.frames = count(index..<(index + repeated.frames))
      return min(sum + repeated.more, 1_000_000_000_000)
    }
  }
}
