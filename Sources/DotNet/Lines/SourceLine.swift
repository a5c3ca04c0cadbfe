/// A place in source code, as the compiler recorded it.
public struct SourceLine: Sendable, Equatable {
  /// The path on the machine that compiled it, or what that was mapped to (`/_/src/Till.cs`).
  public var file: String
  /// From 1.
  public var line: Int
  /// In UTF-16 code units, from 1; 0 for none.
  public var column: Int

  public init(file: String, line: Int, column: Int) {
    self.file = file
    self.line = line
    self.column = column
  }
}
