/// A stack trace as text, taken apart: `   at Shop.Basket`1.Fold(T x) in /src/Basket.cs:line 7`.
public enum PrintedTrace {
  public struct Line: Sendable, Equatable {
    /// With parameters, as it stands there: `Shop.Basket`1.Fold(T x)`.
    public var method: String
    public var file: String?
    public var line: Int?
  }

  /// Lines that are taken, at most.
  private static let limit = 500

  /// What is no frame (`--- End of stack trace …`) is left out.
  public static func lines(_ text: String) -> [Line] {
    var result: [Line] = []
    for row in text.split(whereSeparator: \.isNewline) {
      let words = row.drop { $0 == " " }
      guard words.hasPrefix("at "), result.count < limit else { continue }
      result.append(line(words.dropFirst(3)))
    }
    return result
  }

  private static func line(_ text: Substring) -> Line {
    // The file comes after the parameters; a path may have anything in it, also what looks like them.
    guard let end = lastPosition(of: ":line ", in: text),
      let line = Int(text[text.index(end, offsetBy: 6)...]),
      let close = firstPosition(of: ") in ", in: text[..<end])
    else { return Line(method: String(text)) }
    let method = text[...close]
    // The runtime's way of saying that it has none.
    guard line > 0 else { return Line(method: String(method)) }
    return Line(
      method: String(method), file: String(text[text.index(close, offsetBy: 5)..<end]), line: line)
  }

  private static func firstPosition(of mark: String, in text: Substring) -> Substring.Index? {
    var start = text.startIndex
    while start < text.endIndex {
      if text[start...].hasPrefix(mark) { return start }
      start = text.index(after: start)
    }
    return nil
  }

  private static func lastPosition(of mark: String, in text: Substring) -> Substring.Index? {
    var start = text.endIndex
    while start > text.startIndex {
      start = text.index(before: start)
      if text[start...].hasPrefix(mark) { return start }
    }
    return nil
  }

  /// The method as a C# developer says it, which can only be told from the text: nested types are printed
  /// like namespaces, type arguments of methods by the names of their parameters.
  public static func spoken(_ method: String) -> String {
    let name = method.prefix { $0 != "(" && $0 != "[" }
    // `Outer.<>c__DisplayClass1.<Run>b__0`: what a compiler has made is nested, and so is a type in what can
    // be nothing but a type itself.
    var raw = ""
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    for (index, part) in parts.enumerated() {
      let isType = index < parts.count - 1
      let isNested = part.hasPrefix("<") || index > 0 && parts[index - 1].contains("`")
      if index > 0 { raw += isType && isNested ? "+" : "." }
      raw += part
    }
    return ManagedName.spoken(raw + "()")
  }
}
