/// What a piece of text is, for its colour.
enum Role {
  case plain
  case verdict
  case heading
  case function
  case location
  case detail
  case warning
  case number
  case marker

  /// Select Graphic Rendition parameters; nil for the terminal's own.
  var sgr: String? {
    switch self {
    case .plain: nil
    case .verdict: "1;31"
    case .heading: "1"
    case .function: "36"
    case .location: "32"
    case .detail: "2"
    case .warning: "33"
    case .number: "2"
    case .marker: "1;31"
    }
  }
}

/// A piece of text in one role. There is no way to make one that holds a control character.
struct Span {
  let role: Role
  let text: String
  /// Wrapped as a whole, where it fits on a line at all.
  let together: Bool
  /// Never cut, even where it is wider than the line: a path that somebody is going to copy.
  let uncut: Bool

  init(
    _ role: Role, _ text: String, together: Bool = false, uncut: Bool = false, limit: Int = 4000
  ) {
    self.role = role
    self.text = text.harmless(limit: limit)
    self.together = together || uncut
    self.uncut = uncut
  }
}

/// One line of the report, which wraps with a hanging indent where the width asks for it.
struct Line {
  var indent: Int
  /// Where continued lines start.
  var hang: Int
  var spans: [Span]

  init(_ indent: Int = 0, hang: Int? = nil, _ spans: [Span]) {
    self.indent = indent
    self.hang = hang ?? indent + 2
    self.spans = spans
  }

  init(_ indent: Int = 0, hang: Int? = nil, _ role: Role, _ text: String) {
    self.init(indent, hang: hang, [Span(role, text)])
  }

  static let blank = Line(0, [])

  /// The columns that the line takes when it need not wrap.
  var columns: Int {
    spans.reduce(indent) { $0 + $1.text.columns }
  }

  /// Writes the line, wrapped at `width`, with a line feed at the end.
  func write(to output: inout String, width: Int, color: Bool) {
    var writer = LineWriter(width: width, hang: min(hang, width / 2), color: color)
    writer.start(indent: spans.isEmpty ? 0 : indent)
    for span in spans {
      if span.together {
        writer.place(span.text[...], role: span.role, uncut: span.uncut)
      } else {
        for word in span.text.words { writer.place(word, role: span.role) }
      }
    }
    writer.finish()
    output += writer.text
  }
}

extension String {
  /// The text cut behind each space, nothing lost.
  fileprivate var words: [Substring] {
    var words: [Substring] = []
    var start = startIndex
    while start < endIndex {
      let end = self[start...].firstIndex(of: " ").map { index(after: $0) } ?? endIndex
      words.append(self[start..<end])
      start = end
    }
    return words
  }
}

extension Substring {
  /// A word that is wider than a line, cut where a reader of C++ names or paths would cut it.
  fileprivate var pieces: [Substring] {
    // A path that is cut at a dot ("3.1.", "23/x.dll") is hard to read.
    let cuts = contains("/") ? "/" : ":,(<&."
    var pieces: [Substring] = []
    var start = startIndex
    for index in indices {
      let next = self.index(after: index)
      guard next < endIndex, cuts.contains(self[index]), self[next] != ":" else { continue }
      pieces.append(self[start..<next])
      start = next
    }
    return pieces + [self[start...]]
  }
}

private struct LineWriter {
  let width: Int
  let hang: Int
  let color: Bool
  var text = ""
  private var column = 0
  /// Nothing but the indent stands on the current line.
  private var fresh = true
  private var current: Role = .plain
  /// Spaces that are written once something follows them on the line.
  private var spaces = 0

  init(width: Int, hang: Int, color: Bool) {
    self.width = width
    self.hang = hang
    self.color = color
  }

  mutating func start(indent: Int) {
    spaces = indent
    column = indent
    fresh = true
  }

  mutating func place(_ word: Substring, role: Role, uncut: Bool = false) {
    var rest = word
    // A space at the end may hang over the edge; it is trimmed there.
    let needed = String(rest).trimmingTrailingSpaces.columns
    let pieces = needed > width - hang && !uncut ? rest.pieces : []
    if pieces.count > 1 {
      for piece in pieces { place(piece, role: role) }
      return
    }
    if column + needed > width, !fresh { breakLine() }
    if fresh, column == hang { rest = rest.drop { $0 == " " } }
    while !uncut, column + String(rest).trimmingTrailingSpaces.columns > width {
      // Longer than a whole line: cut where the edge is.
      var head = rest.startIndex
      var used = 0
      while head < rest.endIndex, used == 0 || column + used + rest[head].columns <= width {
        used += rest[head].columns
        head = rest.index(after: head)
      }
      append(rest[..<head], role: role)
      breakLine()
      rest = rest[head...]
    }
    append(rest, role: role)
  }

  private mutating func append(_ part: Substring, role: Role) {
    let visible = String(part).trimmingTrailingSpaces
    column += String(part).columns
    fresh = fresh && part.isEmpty
    if !visible.isEmpty {
      text += String(repeating: " ", count: spaces)
      spaces = 0
      switchTo(role)
      text += visible
    }
    spaces += part.count - visible.count
  }

  private mutating func breakLine() {
    finish()
    start(indent: hang)
  }

  mutating func finish() {
    switchTo(.plain)
    spaces = 0
    text += "\n"
  }

  private mutating func switchTo(_ role: Role) {
    guard color, role != current else { return }
    if current.sgr != nil { text += "\u{1b}[0m" }
    if let sgr = role.sgr { text += "\u{1b}[\(sgr)m" }
    current = role
  }
}

extension String {
  fileprivate var trimmingTrailingSpaces: String {
    guard last == " " else { return self }
    var copy = self
    while copy.last == " " { copy.removeLast() }
    return copy
  }
}
