#if arch(arm64)
  extension FramePolicy {
    /// The kernel keeps no exception number in a signal frame (but ESR, in a record that is not read yet).
    static func faults(
      _ context: SignalContext
    ) -> [(number: Int32, code: Int32, address: UInt64)] { [] }
  }
#endif
