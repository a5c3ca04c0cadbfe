/// Why a PDB cannot be read.
public enum PDBError: Error, Sendable, Equatable {
  /// It is of the older kind, which only Windows writes; Portable PDBs are read.
  case windows
  /// It ends early, contradicts itself, or is no PDB; what exactly, in a few words.
  case damaged(String)
  /// It unpacks to more than so many bytes.
  case tooLarge(limit: Int)
}

extension PDBError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .windows: "it is a Windows PDB, not a portable one"
    case .damaged(let problem): problem
    case .tooLarge(let limit): "it has more than \(limit >> 20) MB"
    }
  }
}
