/// Why a block of metadata (ECMA-335 II.24) cannot be read.
public enum MetadataError: Error, Sendable, Equatable {
  /// It ends early, contradicts itself, or is none; what exactly, in a few words.
  case damaged(String)
  /// Sound, but of a form that only debuggers' edits produce: rows reached through pointer tables.
  case edited
}

extension MetadataError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .damaged(let problem): problem
    case .edited: "metadata that was edited in place"
    }
  }
}
