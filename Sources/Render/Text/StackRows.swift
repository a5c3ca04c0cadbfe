import Report

/// A stack as a reader sees it: frames, and what stands for frames that are folded away.
enum StackRow {
  case frame(number: Int, Frame)
  /// Frames that a reader can do without, and what they are.
  case folded(count: Int, what: String)
  /// The frames below lie on another stack; nil for the thread's own.
  case stack(StackRecord.Kind?)
  /// The `frames` frames above stand `times` times on the stack.
  case repeated(frames: Int, times: Int)

  /// How many listed frames the row stands for.
  var frames: Int {
    switch self {
    case .frame: 1
    case .folded(let count, _): count
    case .stack, .repeated: 0
    }
  }
}

extension Page {
  /// The frames with folds and marks; with `--all-threads` nothing is folded or left out.
  func rows(_ frames: [Frame], style: StackStyle) -> [StackRow] {
    let folds = options.allThreads ? nil : folds(frames, style: style)
    var rows: [StackRow] = []
    var number = 0
    var stack = frames.first?.stack
    var repeats: [(end: Int, Frame.Repeated)] = []
    var index = 0
    while index < frames.count {
      let frame = frames[index]
      if frame.stack != stack {
        rows.append(.stack(frame.stack))
        stack = frame.stack
      }
      // The counts come from a file: a repetition that reaches beyond the stack is none.
      if let repeated = frame.repeated, repeated.frames > 0, repeated.times > 1,
        repeated.frames <= frames.count - index
      {
        repeats.append((index + repeated.frames, repeated))
      }
      if let folds, repeats.isEmpty,
        let run = foldable(frames, from: index, stack: stack, folds: folds)
      {
        rows.append(.folded(count: run.count, what: run.what))
        index += run.count
        number += run.count
      } else {
        rows.append(.frame(number: number, frame))
        index += 1
        number += 1
      }
      for (_, repeated) in repeats.filter({ $0.end == index }) {
        rows.append(.repeated(frames: repeated.frames, times: repeated.times))
        number = min(number + repeated.more, 1_000_000_000_000)
      }
      repeats.removeAll { $0.end == index }
    }
    guard !options.allThreads else { return rows }
    let hasMethods = frames.contains(where: isMethod)
    return elide(rows, limit: style.limit(hasMethods: hasMethods))
  }

  /// Which frames a reader can do without, besides unnamed managed ones: the plumbing, and where there
  /// are methods to read, what the machine does below them and, on a thread that only waits, above.
  private func folds(_ frames: [Frame], style: StackStyle) -> [Bool] {
    let first = frames.firstIndex(where: isMethod)
    let last = frames.lastIndex(where: isMethod)
    return frames.indices.map { index in
      let frame = frames[index]
      if style == .other, let first, index < first {
        return frame.plumbing == true || isSystem(frame)
      }
      // The innermost frame is where things happened.
      if index == 0 { return false }
      if frame.plumbing == true { return true }
      guard let last, index > last, frame.kind == .native || frame.kind == .inlined else {
        return false
      }
      return isSystem(frame) || (frame.function == nil && frame.module != nil)
    }
  }

  /// The run of frames from `start` that one line can stand for.
  private func foldable(
    _ frames: [Frame], from start: Int, stack: StackRecord.Kind?, folds: [Bool]
  ) -> (count: Int, what: String)? {
    func run(_ fits: (Int) -> Bool) -> ArraySlice<Frame> {
      let end = (start..<frames.count).first {
        !fits($0) || frames[$0].repeated != nil || frames[$0].stack != stack
      }
      return frames[start..<(end ?? frames.count)]
    }
    let folded = run { folds[$0] }
    if !folded.isEmpty {
      return (folded.count, Words.many(folded.count, "frame") + " folded" + places(folded))
    }
    // Without inspection every managed frame looks alike; a single one keeps its address.
    let unnamed = run { $0 > 0 && isUnnamedManaged(frames[$0]) && !folds[$0] }
    guard unnamed.count > 1 else { return nil }
    return (
      unnamed.count,
      Words.many(unnamed.count, "managed frame") + " without a name" + places(unnamed)
    )
  }

  private func places(_ frames: ArraySlice<Frame>) -> String {
    var names: [String] = []
    for case let name? in frames.map(home) where !names.contains(name) { names.append(name) }
    guard !names.isEmpty else { return "" }
    return " (" + names.prefix(4).joined(separator: ", ") + (names.count > 4 ? ", …" : "") + ")"
  }

  /// Leaves the middle of a deep stack out. Both ends are kept, for the one says what happened and the
  /// other what was going on; so are the first frames of the program's own, and each repetition's count.
  private func elide(_ rows: [StackRow], limit: (head: Int, tail: Int)) -> [StackRow] {
    guard rows.count > limit.head + limit.tail + 1 else { return rows }
    let own = rows.firstIndex { if case .frame(_, let frame) = $0 { isOwn(frame) } else { false } }
    var kept = rows.enumerated().map { index, row in
      if case .repeated = row { return true }
      if let own, (own..<(own + 4)).contains(index) { return true }
      return index < limit.head || index >= rows.count - limit.tail
    }
    // A line for a line is no gain.
    for index in rows.indices.dropFirst().dropLast()
    where !kept[index] && kept[index - 1] && kept[index + 1] {
      kept[index] = true
    }
    // Two lines about what is not shown are one too many.
    func merge(_ index: Int, with other: Int) {
      guard case .folded = rows[index], kept[index], rows.indices.contains(other), !kept[other]
      else { return }
      kept[index] = false
    }
    for index in rows.indices { merge(index, with: index - 1) }
    for index in rows.indices.reversed() { merge(index, with: index + 1) }
    var result: [StackRow] = []
    var left = 0
    for (index, row) in rows.enumerated() {
      if !kept[index] { left += row.frames }
      if left > 0, index == rows.count - 1 || kept[index + 1] {
        result.append(.folded(count: left, what: Words.many(left, "more frame")))
        left = 0
      }
      if kept[index] { result.append(row) }
    }
    return result
  }

  /// Generated or precompiled .NET code that nobody could name.
  func isUnnamedManaged(_ frame: Frame) -> Bool {
    guard frame.function == nil else { return false }
    if frame.kind == .managed { return true }
    // A frame in no module at all is no managed one: that is a jump to where no code is.
    return report.runtime != nil && [.pe, .jit].contains(module(frame)?.kind)
  }
}

extension Frame.Repeated {
  /// How many frames the repetition stands for beyond those that are listed; bounded, because the
  /// numbers may be anything.
  var more: Int {
    frames > 0 && times > 1 ? min(frames, 1_000_000) * (min(times, 1_000_000) - 1) : 0
  }
}
