import FoundationEssentials
public import Report

/// Why a file could not be read as a report.
public enum ReportError: Error, Equatable, CustomStringConvertible {
  /// Not JSON, or JSON that breaks the format; what and where, in one line.
  case malformed(String)
  /// JSON, but not a report of ours.
  case otherFormat(String)

  public var description: String {
    switch self {
    case .malformed(let problem): "not a valid report: \(problem)"
    case .otherFormat(let name): "not an Inquest report: its schema is \"\(name)\""
    }
  }
}

extension Report {
  /// Reads a report. Unknown keys and unknown enum values are accepted.
  ///
  /// - Parameter json: the file's bytes, UTF-8.
  public init(json: [UInt8]) throws(ReportError) {
    do {
      self = try JSONDecoder().decode(Report.self, from: Data(json))
    } catch let error as DecodingError {
      throw .malformed(error.oneLine)
    } catch {
      throw .malformed("\(error)")
    }
    guard schema.name == SchemaID().name else { throw .otherFormat(schema.name) }
  }
}

extension DecodingError {
  fileprivate var oneLine: String {
    func place(_ context: Context) -> String {
      let path = context.codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue }
      return path.isEmpty ? "" : " at /" + path.joined(separator: "/")
    }
    return switch self {
    case .keyNotFound(let key, let context): "\"\(key.stringValue)\" is missing" + place(context)
    case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
      context.debugDescription + place(context)
    @unknown default: "\(self)"
    }
  }
}
