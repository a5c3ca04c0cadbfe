#if arch(arm64)
  import Memory

  /// Where the call that returns to an address went: not told here yet.
  enum CallTarget {
    static func target(before returnAddress: UInt64, memory: any MemorySource) -> UInt64? { nil }
  }
#endif
