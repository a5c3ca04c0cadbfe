/// What metadata says about a method.
public struct MethodFacts: Sendable, Equatable {
  public var token: UInt32
  public var name: String
  /// The type that declares it, last, after the types that it is nested in, outermost first.
  public var types: [TypeFacts]
  /// The names of its own type parameters.
  public var typeParameters: [String]
  /// The names of its parameters, in order; empty where a parameter has none.
  public var parameters: [String]
}

/// What metadata says about a type.
public struct TypeFacts: Sendable, Equatable {
  public var token: UInt32
  /// Empty for nested types.
  public var namespace: String
  /// As metadata spells it: ``List`1``, `<Main>d__0`.
  public var name: String
  /// The names of its type parameters. A nested type repeats those of the types around it, first.
  public var typeParameters: [String]

  /// As one word: `System.Collections.Generic.List`1`.
  public var fullName: String { namespace.isEmpty ? name : namespace + "." + name }
}

/// What metadata says about a field.
public struct FieldFacts: Sendable, Equatable {
  public var token: UInt32
  public var name: String
  public var isStatic: Bool
}
