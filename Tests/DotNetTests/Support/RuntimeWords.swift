// SPDX-License-Identifier: Apache-2.0
import Foundation

/// What the runtime itself prints on standard error when it ends a process.
///
///     Unhandled exception. TYPE: MESSAGE           Process terminated. MESSAGE
///      ---> INNER                                     at METHOD(TYPES)
///        at METHOD(ARGUMENTS) in FILE:line N       TYPE: MESSAGE
///        --- End of inner exception stack trace ---
///        at METHOD(ARGUMENTS) in FILE:line N       Stack overflow.
///      ---> (Inner Exception #1) SIBLING<---       Repeat N times:
struct RuntimeWords: Sendable {
  struct Frame: Sendable, CustomStringConvertible {
    /// With its arguments, as printed.
    var method: String
    var file: String?
    var line: Int?

    var description: String { method + (file.map { " in \($0):line \(line ?? 0)" } ?? "") }
  }

  struct Exception: Sendable {
    var type: String
    /// Nil where only the type is printed, because the message is empty.
    var message: String?
    var frames: [Frame] = []
    /// Of an AggregateException all of them, the first one being what caused it.
    var inner: [Exception] = []

    /// Itself and all inside.
    var all: [Exception] { [self] + inner.flatMap(\.all) }
  }

  enum Heading: String, CaseIterable, Sendable {
    case unhandled = "Unhandled exception. "
    case terminated = "Process terminated. "
    case fatal = "Fatal error. "
    case overflow = "Stack overflow."
    case outOfMemory = "Out of memory."
  }

  var heading: Heading
  var exception: Exception?
  /// FailFast's.
  var message: String?
  /// What a failing runtime prints of the stack, without files; what is repeated appears once.
  var frames: [Frame] = []
  /// How often it repeats them: which of `frames`.
  var repeated: (range: Range<Int>, times: Int)?

  init(_ text: String) throws {
    var parser = Parser(text)
    guard let heading = parser.skipToHeading() else {
      throw LabFailure(description: "the runtime said nothing:\n\(text.prefix(2000))")
    }
    self.heading = heading
    switch heading {
    case .unhandled:
      exception = parser.exception()
    case .fatal:
      exception = parser.exception()
      frames = exception?.frames ?? []
    case .terminated:
      message = parser.message()
      frames = parser.frames()
      if !parser.isAtEnd { exception = parser.exception() }
    case .overflow:
      parser.skipLine()
      frames = parser.frames()
      if let times = parser.repetition() {
        let start = frames.count
        frames += parser.frames()
        repeated = (start..<frames.count, times)
        parser.skipLine()
        frames += parser.frames()
      }
    case .outOfMemory:
      parser.skipLine()
    }
    guard parser.isAtEnd else {
      throw LabFailure(description: "not understood: \(parser.rest.prefix(5))")
    }
  }

  /// The frames of a stack trace, where that is all there is.
  static func frames(_ lines: [String]) -> [Frame] {
    var parser = Parser(lines.joined(separator: "\n"))
    return parser.frames()
  }
}

extension RuntimeWords {
  /// Goes through the lines, which end at a line feed and nothing else.
  struct Parser {
    private(set) var rest: ArraySlice<String>
    private static let end = "<---"
    private static let innerEnd = "   --- End of inner exception stack trace ---"

    init(_ text: String) {
      var lines: [String] = []
      var isAfterEnd = false
      for bytes in text.utf8.split(separator: 0x0a, omittingEmptySubsequences: false) {
        let line = String(bytes)!
        // Our own, and the empty ones between the siblings of an AggregateException.
        if line.hasPrefix("inquest: ") || line.hasPrefix("[createdump] ") { continue }
        if isAfterEnd && line.isEmpty { continue }
        isAfterEnd = line.hasSuffix(Self.end)
        if isAfterEnd {
          if line != Self.end { lines.append(String(line.dropLast(Self.end.count))) }
          lines.append(Self.end)
        } else {
          lines.append(line)
        }
      }
      while lines.last?.isEmpty == true { lines.removeLast() }
      rest = lines[...]
    }

    var isAtEnd: Bool { rest.isEmpty }

    /// Leaves the heading's own words out, but for those that are a line of their own.
    mutating func skipToHeading() -> Heading? {
      while let line = rest.first {
        if let heading = Heading.allCases.first(where: { line.hasPrefix($0.rawValue) }) {
          rest[rest.startIndex] = String(line.dropFirst(heading.rawValue.count))
          return heading
        }
        rest = rest.dropFirst()
      }
      return nil
    }

    mutating func skipLine() { rest = rest.dropFirst() }

    private var isInStructure: Bool {
      guard let line = rest.first else { return true }
      return line.hasPrefix("   at ") || line.hasPrefix(" ---> ") || line == Self.innerEnd
        || line == Self.end || line.hasPrefix("--- End of stack trace from previous location")
    }

    mutating func message() -> String {
      var lines = [rest.first ?? ""]
      rest = rest.dropFirst()
      while !isInStructure {
        lines.append(rest.first ?? "")
        rest = rest.dropFirst()
      }
      return lines.joined(separator: "\n")
    }

    mutating func exception() -> Exception {
      let head = Self.splitHead(message())
      var result = Exception(type: head.type, message: head.message)
      if let line = rest.first, line.hasPrefix(" ---> "),
        !line.hasPrefix(" ---> (Inner Exception #")
      {
        rest[rest.startIndex] = String(line.dropFirst(6))
        result.inner.append(exception())
        if rest.first == Self.innerEnd { rest = rest.dropFirst() }
      }
      result.frames = frames()
      while let line = rest.first, line.hasPrefix(" ---> (Inner Exception #"),
        let close = line.range(of: ") ")
      {
        rest[rest.startIndex] = String(line[close.upperBound...])
        result.inner.append(exception())
        if rest.first == Self.end { rest = rest.dropFirst() }
      }
      return result
    }

    /// What ToString adds between message and stack is not the message: the number of a system's error
    /// behind the type, and the name of a missing file.
    private static func splitHead(_ text: String) -> (type: String, message: String?) {
      let words = text.range(of: ": ", options: .literal)
      var type = words.map { String(text[..<$0.lowerBound]) } ?? text
      var message = words.map { String(text[$0.upperBound...]) }
      if let number = type.range(of: " \\((0x)?-?[0-9A-F]+\\)$", options: .regularExpression) {
        type.removeSubrange(number)
      }
      if type.hasSuffix("FileNotFoundException"),
        let name = message?.range(of: "\nFile name: '", options: [.literal, .backwards])
      {
        message?.removeSubrange(name.lowerBound...)
      }
      return (type, message)
    }

    mutating func frames() -> [Frame] {
      var result: [Frame] = []
      while let line = rest.first {
        if line.hasPrefix("   at ") {
          result.append(Self.frame(String(line.dropFirst(6))))
        } else if !line.hasPrefix("--- End of stack trace from previous location") {
          break
        }
        rest = rest.dropFirst()
      }
      return result
    }

    private static func frame(_ text: String) -> Frame {
      guard let source = text.range(of: ") in ", options: .literal),
        let number = text.range(of: ":line ", options: [.literal, .backwards])
      else { return Frame(method: text) }
      return Frame(
        method: String(text[..<source.lowerBound]) + ")",
        file: String(text[source.upperBound..<number.lowerBound]),
        line: Int(text[number.upperBound...]))
    }

    mutating func repetition() -> Int? {
      guard let line = rest.first, line.hasPrefix("Repeat ") else { return nil }
      rest = rest.dropFirst(2)
      return Int(line.split(separator: " ")[1])
    }
  }
}
