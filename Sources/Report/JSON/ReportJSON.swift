extension Report {
  /// The report as a file has it: one JSON object, keys in the documented order, one line.
  public var json: [UInt8] {
    JSONStream.encode(self)
  }

  /// The top-level keys in the order in which a file writes them.
  public static var keys: [String] {
    CodingKeys.allCases.map(\.rawValue)
  }
}
