#if arch(arm64)
  import Memory

  extension FramePolicy {
    /// The wrapper of this architecture has other code, which nobody has looked at yet.
    static func movedSignalContext(
      ip: UInt64, sp: UInt64, memory: any MemorySource
    ) -> SignalContext? { nil }

    static func callsMovedHandler(before ip: UInt64, memory: any MemorySource) -> Bool { false }
  }
#endif
