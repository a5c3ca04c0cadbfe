import Report

/// What a thread is in, as its developer would say it.
private struct Activity {
  /// The function that was called, from the developer's view.
  var called: String?
  /// What that ended up in, where it is something else.
  var inner: String?
  var caller: String?
}

extension Page {
  /// - Parameter taken: the columns that the line has used already.
  func activity(_ thread: ThreadRecord, taken: Int) -> [Span] {
    guard let state = thread.state else { return [] }
    let verb = thread.isWaiting ? "waiting" : state
    guard thread.isWaiting || state == "running" else { return [Span(.plain, " " + verb)] }
    let activity = activity(thread)
    guard let called = activity.called else { return [Span(.plain, " " + verb)] }
    let head = [Span(.plain, " \(verb) in "), Span(.function, called, limit: 120)]
    let inner = activity.inner.map { [Span(.detail, " (\($0))", together: true, limit: 120)] } ?? []
    let tail = activity.caller.map { [Span(.detail, ", called from \($0)", limit: 140)] } ?? []
    let both = Line(taken, head + inner + tail)
    return both.columns <= options.width ? both.spans : head + tail
  }

  private func activity(_ thread: ThreadRecord) -> Activity {
    let frames = thread.frames.filter { $0.kind != .inlined }
    let story = frames.filter { $0.plumbing != true }
    let top = story.drop { isSystem($0) }
    guard let first = top.first, isMethod(first) else { return nativeActivity(frames) }
    let framework = top.prefix { isFramework($0) }
    let caller = top.dropFirst(framework.count).first { isMethod($0) }?.function
    // What the developer called, rather than what that comes down to.
    if let outer = framework.last(where: { $0.function?.isDouble == false }) ?? framework.last,
      let called = outer.function
    {
      let inner = framework.first {
        $0.kind == .managed && $0.function?.methodType != called.methodType
      }
      return Activity(called: called, inner: inner?.function?.shortMethod, caller: caller)
    }
    // The program's own method, on top of nothing or of what it called without a managed frame.
    let above = frames.prefix { !isMethod($0) }
    let own = Activity(
      called: first.function, caller: top.dropFirst().first(where: isMethod)?.function)
    if above.isEmpty || !thread.isWaiting { return own }
    let machinery = above.contains { $0.plumbing == true && $0.kind == .native }
    let called =
      machinery ? "the runtime" : above.last { $0.function != nil && isSystem($0) }?.function
    return called.map { Activity(called: $0, caller: first.function) } ?? own
  }

  /// The function that called the C library, whose own `syscall` says little. Where that caller has no
  /// name, the C library's function and the caller's file.
  private func nativeActivity(_ frames: [Frame]) -> Activity {
    let system = frames.prefix { isSystem($0) }
    let below = frames.dropFirst(system.count)
    if let caller = below.first, let name = caller.function, caller.plumbing != true {
      let method = below.first { isMethod($0) }?.function
      return Activity(called: name.withoutParameters, caller: method)
    }
    let outer = system.last { $0.function != nil }?.function
    return Activity(called: outer, caller: outer == nil ? nil : below.first.flatMap { home($0) })
  }
}
