/// A place in source text.
public struct SourcePlace: Sendable, Equatable {
  /// As the compiler was told it, its directory in front where it is relative, without `..`. It need not
  /// exist here.
  public var file: String
  /// From 1.
  public var line: Int
  /// From 1, in bytes; nil where the compiler does not say.
  public var column: Int?

  public init(file: String, line: Int, column: Int? = nil) {
    self.file = file
    self.line = line
    self.column = column
  }
}

/// A call of which only the function's body is left, inside the function that called it.
public struct InlinedCall: Sendable, Equatable {
  /// The function that was called, as ``Symbol/name``; nil where the file does not say.
  public var function: String?
  /// As the file spells it, only where that differs.
  public var rawFunction: String?
  /// Where in this function the address is: in the innermost call its own line, in the others the place
  /// of the next inner call.
  public var place: SourcePlace?

  public init(function: String?, rawFunction: String? = nil, place: SourcePlace?) {
    self.function = function
    self.rawFunction = rawFunction
    self.place = place
  }
}

/// What debug information says about one address.
public struct CodePlace: Sendable, Equatable {
  /// The inlined calls that are going on there, innermost first.
  public var inlined: [InlinedCall]
  /// Where in the function that the code belongs to: the place of the outermost inlined call, if any.
  public var place: SourcePlace?
  /// That function; its address is where one enters it. Of use where the ELF symbols have no name.
  public var function: Symbol?

  public init(inlined: [InlinedCall] = [], place: SourcePlace?, function: Symbol? = nil) {
    self.inlined = inlined
    self.place = place
    self.function = function
  }
}

/// What became of a set of addresses.
public struct LineResult: Sendable {
  /// By look-up address. An address of which nothing is known is not in it.
  public var places: [UInt64: CodePlace] = [:]
  /// At most one per image, by position in the image table. An image without debug information is none.
  public var problems: [(image: Int, problem: ImageProblem)] = []
  /// The images without debug information, by position in the image table.
  public var bare: [Int] = []

  public init() {}
}
