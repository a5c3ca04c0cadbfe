/// A function of an image.
public struct Symbol: Sendable, Equatable {
  /// As a developer says it: demangled where its language is known, as c++filt, rustfilt and
  /// `swift-demangle --no-sugar` print it. At most `SymbolName.limit` bytes; a longer name ends in `…`.
  public var name: String
  /// As the file spells it, only where that differs from `name`.
  public var rawName: String?
  /// Where the function starts, as an address in the target's memory.
  public var address: UInt64

  public init(name: String, rawName: String? = nil, address: UInt64) {
    self.name = name
    self.rawName = rawName
    self.address = address
  }
}

/// How long a name may be, in bytes of UTF-8: names come from files that nobody vouches for.
public enum SymbolName {
  /// Of a demangled name.
  public static let limit = 4096
  /// Of a name as the file has it. The longest in libLLVM-15 has 604 bytes.
  public static let rawLimit = 8192
}

/// Why an image's functions have no names.
public enum ImageProblem: Error, Sendable, Equatable {
  /// The file could not be opened.
  case fileUnavailable
  /// The file at this path is not the one that runs: its build-id (or, lacking that, its program
  /// headers) differ from those in memory. Names from it would be wrong names.
  case replacedOnDisk
  /// The file is damaged, or is none that we read; what exactly, in a few words.
  case unreadable(String)
  /// The file is fine but has no symbol table, nor is there a separate debug file.
  case noSymbols
  /// Time ran out before all addresses in the image were looked up.
  case pastDeadline
}

extension ImageProblem: CustomStringConvertible {
  public var description: String {
    switch self {
    case .fileUnavailable: "the file cannot be opened"
    case .replacedOnDisk: "the file on disk is not the one that was loaded"
    case .unreadable(let problem): "the file cannot be read: \(problem)"
    case .noSymbols: "the file has no symbols, and there is no separate debug file"
    case .pastDeadline: "time ran out"
    }
  }
}

/// What became of a set of addresses.
public struct SymbolResult: Sendable {
  /// The functions found, by look-up address. An address without a function is not in it.
  public var symbols: [UInt64: Symbol]
  /// At most one per image, by position in the image table. Only what cost a name is listed: if a
  /// separate debug file stood in for a lost binary, there is no problem.
  public var problems: [(image: Int, problem: ImageProblem)]

  public init(
    symbols: [UInt64: Symbol] = [:], problems: [(image: Int, problem: ImageProblem)] = []
  ) {
    self.symbols = symbols
    self.problems = problems
  }
}
