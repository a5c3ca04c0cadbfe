/// What is known about generated code at an address, from whoever generated it.
public enum ManagedCode: Sendable, Equatable {
  /// A function with unwind information in the form that the .NET runtime uses.
  case function(ManagedRules)
  /// A function whose unwind information was not found.
  case functionWithoutRules
  /// A stub: a few instructions on the way to somewhere else, which build no frame.
  case stub
}

/// Where the unwind information of one function, or of one part of it, lies: a RUNTIME_FUNCTION and what it
/// points to (Microsoft, "x64 exception handling"; the .NET runtime writes the same on Linux).
public struct ManagedRules: Sendable, Equatable {
  /// What the offsets in the information are relative to, an address.
  public var base: UInt64
  /// Where the function, or its part, begins, and the first address after it.
  public var start: UInt64
  public var end: UInt64
  /// Where its UNWIND_INFO is.
  public var information: UInt64

  public init(base: UInt64, start: UInt64, end: UInt64, information: UInt64) {
    self.base = base
    self.start = start
    self.end = end
    self.information = information
  }
}

/// Says whose code an address is; nil where nobody generated it.
public typealias ManagedCodeFinder = (_ lookupAddress: UInt64) -> ManagedCode?
