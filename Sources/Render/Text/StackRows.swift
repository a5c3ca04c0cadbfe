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
  /// - Parameters:
  ///   - fold: whether plumbing and unnamed managed frames are folded. The innermost frame never is:
  ///     it is where things happened.
  ///   - limit: how many rows are shown; the middle of a longer stack is left out.
  func rows(_ frames: [Frame], fold: Bool, limit: (head: Int, tail: Int)?) -> [StackRow] {
    var rows: [StackRow] = []
    var number = 0
    var stack = frames.first?.stack
    var repeats: [(end: Int, Frame.Repeated)] = []
    var index = 0
    while index < frames.count {
      let frame = frames[index]
      if frame.stack != stack, frame.kind != .inlined {
        rows.append(.stack(frame.stack))
        stack = frame.stack
      }
      // The counts come from a file: a repetition that reaches beyond the stack is none.
      if let repeated = frame.repeated, repeated.frames > 0, repeated.times > 1,
        repeated.frames <= frames.count - index
      {
        repeats.append((index + repeated.frames, repeated))
      }
      let run =
        fold && index > 0 && repeats.isEmpty ? foldable(frames, from: index, stack: stack) : nil
      if let run {
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
    return limit.map { elide(rows, head: $0.head, tail: $0.tail) } ?? rows
  }

  /// The run of frames from `start` that one line can stand for.
  private func foldable(
    _ frames: [Frame], from start: Int, stack: StackRecord.Kind?
  ) -> (count: Int, what: String)? {
    func run(_ fits: (Frame) -> Bool) -> ArraySlice<Frame> {
      frames[start...].prefix { fits($0) && $0.repeated == nil && $0.stack == stack }
    }
    let plumbing = run { $0.plumbing == true }
    if !plumbing.isEmpty {
      return (plumbing.count, Words.many(plumbing.count, "runtime frame") + places(plumbing))
    }
    // Without inspection every managed frame looks alike; a single one keeps its address.
    let unnamed = run { isUnnamedManaged($0) && $0.plumbing != true }
    guard unnamed.count > 1 else { return nil }
    return (
      unnamed.count,
      Words.many(unnamed.count, "managed frame") + " without a name" + places(unnamed)
    )
  }

  private func places(_ frames: ArraySlice<Frame>) -> String {
    var names: [String] = []
    for frame in frames {
      // Generated code has a file only in name ("memfd:doublemapper").
      guard let module = module(frame), module.kind != .jit else { continue }
      let name = module.path.lastPathComponent
      if !names.contains(name) { names.append(name) }
    }
    guard !names.isEmpty else { return "" }
    return " (" + names.prefix(3).joined(separator: ", ") + (names.count > 3 ? ", …" : "") + ")"
  }

  /// Both ends of a deep stack are kept: the one says what happened, the other what was going on.
  private func elide(_ rows: [StackRow], head: Int, tail: Int) -> [StackRow] {
    guard rows.count > head + tail + 1 else { return rows }
    let middle = rows[head..<(rows.count - tail)]
    let count = middle.reduce(0) { $0 + $1.frames }
    return rows[..<head] + [.folded(count: count, what: Words.many(count, "more frame"))]
      + rows[(rows.count - tail)...]
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
