public import Report

/// Says in one sentence what a developer needs to know of an exception: what, where, from where, and why.
public enum ExceptionWords {
  /// What the runtime keeps ready for its own failures and for Environment.FailFast; nobody throws it.
  public static let engineException = "System.ExecutionEngineException"
  public static let overflowException = "System.StackOverflowException"

  /// Characters of a message: the first line of it, and not all of a long one.
  private static let messageLimit = 240
  private static let depthLimit = 16

  /// `Unhandled System.InvalidOperationException: argh, thrown in Inner.Boom (Boom.cs:2), called from
  /// Program.Main (Boom.cs:9)`; with an inner exception also what that one was.
  ///
  /// - Parameter frames: the crashed thread's, for an exception that has gathered none: the runtime did not
  ///   come to throw it.
  static func sentence(_ exception: ManagedException, frames: [Frame]) -> String {
    var text = "Unhandled " + words(exception, frames: frames)
    let cause = cause(exception)
    if !exception.inner.isEmpty {
      text += "; caused by " + words(cause)
      let others = exception.inner.count - 1
      if others > 0 { text += " (and \(others) more)" }
    }
    return inOneLine(text)
  }

  /// The innermost of an exception's first inner ones; itself where it has none.
  static func cause(_ exception: ManagedException) -> ManagedException {
    var cause = exception
    for _ in 0..<depthLimit {
      guard let inner = cause.inner.first else { break }
      cause = inner
    }
    return cause
  }

  static func failFast(_ call: CrashFacts.FailFast?) -> String {
    let message = call?.message.map(firstLine) ?? ""
    let said = message.isEmpty ? "" : ": \(message)"
    let caller = call.flatMap { place($0.frames) }.map { ", called in \($0)" } ?? ""
    return inOneLine("Environment.FailFast\(said)\(caller)")
  }

  private static func words(_ exception: ManagedException, frames: [Frame] = []) -> String {
    let message = firstLine(exception.message)
    let said = message.isEmpty ? "" : ": \(message)"
    let origin =
      place(exception.frames.isEmpty ? frames : exception.frames).map { ", thrown in \($0)" } ?? ""
    return exception.type + said + origin
  }

  /// Where it happened and who had called: the first two frames that say something.
  private static func place(_ frames: [Frame]) -> String? {
    let story = frames.filter { $0.plumbing != true && $0.function != nil }
    guard let first = story.first else { return nil }
    let others = story.dropFirst().filter { $0.function != first.function }
    // The framework's own frames between the thrower and the program say less than the program's.
    let caller = others.first { !isFramework($0) } ?? others.first
    return one(first) + (caller.map { ", called from \(one($0))" } ?? "")
  }

  private static func isFramework(_ frame: Frame) -> Bool {
    let assembly = frame.managed?.assembly ?? ""
    return assembly.hasPrefix("System.") || assembly.hasPrefix("Microsoft.")
  }

  private static func one(_ frame: Frame) -> String {
    let name = frame.function ?? "?"
    return fileAndLine(frame).map { "\(name) (\($0))" } ?? name
  }

  /// `Boom.cs:9`: the file's own name.
  public static func fileAndLine(_ frame: Frame) -> String? {
    guard let file = frame.file?.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last,
      let line = frame.line
    else { return nil }
    return "\(file):\(line)"
  }

  private static func firstLine(_ message: String) -> String {
    let line = message.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
    return line.count > messageLimit ? line.prefix(messageLimit) + "…" : line
  }

  /// A sentence has no line breaks, no tabs and no terminal's control characters; names may have them all.
  private static func inOneLine(_ text: String) -> String {
    var line = text
    line.unicodeScalars.replace(
      matching: { scalar in
        scalar.value < 0x20 || (0x7f..<0xa0).contains(scalar.value)
          || scalar.value == 0x2028 || scalar.value == 0x2029
      }, with: " ")
    return line
  }
}

extension String.UnicodeScalarView {
  fileprivate mutating func replace(
    matching isWanted: (Unicode.Scalar) -> Bool, with other: Unicode.Scalar
  ) {
    self = String.UnicodeScalarView(map { isWanted($0) ? other : $0 })
  }
}
