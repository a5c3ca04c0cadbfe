/// What may count as a frame, apart from any one architecture. The rules of each are in its folder.
enum FramePolicy {
  /// Words of stack that a scan looks at: few, because each is one more chance of a wrong answer.
  static let scanWords = 40
  /// As many as that when the frame before was found by better means.
  static let scanWordsAfterTrusted = 160
  /// How far into a function a call to its start can be seen to lead, in bytes. More would let calls to other
  /// functions pass, less would lose large ones.
  static let functionSize: UInt64 = 4096
  /// How often one walk may change to a stack at a lower address without a signal frame in between:
  /// handlers that pivot and coroutines do; a corrupt stack does it for ever.
  static let stackSwitches = 16

  /// A stack_t (sigaltstack(2)) as a range; nil for a disabled one, and for numbers that are no stack: they
  /// come from the target's memory.
  static func alternateStack(base: UInt64, size: UInt64, flags: Int32) -> Range<UInt64>? {
    let disabled: Int32 = 2
    let (end, overflow) = base.addingReportingOverflow(size)
    guard flags & disabled == 0, !overflow, size > 0, size < 1 << 40 else { return nil }
    return base..<end
  }

  /// What SIGSYS (31) says of itself: si_syscall and si_arch (asm-generic/siginfo.h).
  static func systemCall(
    signal: Int32, number: Int32, architecture: Int32
  ) -> SignalContext.SystemCall? {
    guard signal == 31 else { return nil }
    return SignalContext.SystemCall(
      number: number, architecture: UInt32(bitPattern: architecture))
  }
}
