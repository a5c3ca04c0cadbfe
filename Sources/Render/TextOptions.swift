/// How a report is turned into text.
public struct TextOptions: Sendable {
  /// Whether colours are written (ANSI SGR sequences, the only ones there are).
  public var color: Bool
  /// Columns to fit the text into.
  public var width: Int
  /// Every thread, every frame, nothing folded.
  public var allThreads: Bool
  /// Registers and memory even where the crash is not a native fault.
  public var registers: Bool
  /// The file that the report came from, for the last line.
  public var path: String?
  /// The lines of a source file; nil where it does not exist here.
  public var source: @Sendable (String) -> [String]?
  /// Whether a source file was written after the time (RFC 3339), so that its lines mislead.
  public var isNewer: @Sendable (_ file: String, _ time: String) -> Bool

  public init(
    color: Bool = false, width: Int = 100, allThreads: Bool = false, registers: Bool = false,
    path: String? = nil, source: @escaping @Sendable (String) -> [String]? = { _ in nil },
    isNewer: @escaping @Sendable (String, String) -> Bool = { _, _ in false }
  ) {
    self.color = color
    self.width = max(width, 40)
    self.allThreads = allThreads
    self.registers = registers
    self.path = path
    self.source = source
    self.isNewer = isNewer
  }
}

/// `--color`.
public enum ColorChoice: String, CaseIterable, Sendable {
  case auto, always, never

  /// The choice, then NO_COLOR (no-color.org), then CLICOLOR_FORCE, then what the output is.
  ///
  /// - Parameters:
  ///   - environment: looks a variable up.
  ///   - isTerminal: whether the output is one.
  public func enabled(environment: (String) -> String?, isTerminal: Bool) -> Bool {
    func isSet(_ name: String) -> Bool { environment(name).map { !$0.isEmpty } ?? false }
    switch self {
    case .always: return true
    case .never: return false
    case .auto:
      if isSet("NO_COLOR") { return false }
      if isSet("CLICOLOR_FORCE"), environment("CLICOLOR_FORCE") != "0" { return true }
      return isTerminal && environment("TERM") != "dumb"
    }
  }
}
