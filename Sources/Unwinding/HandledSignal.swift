extension SignalContext {
  /// What it was that a handler was dealing with, of which the kernel may not have told.
  ///
  /// The kernel writes a siginfo only for handlers that were set with SA_SIGINFO; else what lies there is what
  /// was there before. But while a handler runs its signal is blocked, and what was blocked then is known where
  /// another signal came meanwhile.
  ///
  /// - Parameter inner: the next signal, which came while this one's handler ran.
  /// - Returns: itself if its siginfo fits; else with number, code and address from the processor's words; nil
  ///   where these do not tell either.
  public func handled(until inner: SignalContext) -> SignalContext? {
    let new = inner.blocked & ~blocked
    func isHandled(_ number: Int32) -> Bool {
      (1...64).contains(number) && new & (1 << UInt64(number - 1)) != 0
    }
    if isHandled(number) { return self }
    return fault { isHandled($0) }
  }

  /// The fault that a signal may be a consequence of: it was sent, but is one that faults raise, and such a fault
  /// was the last thing that happened to the thread before.
  ///
  /// The usual end of a handler: it goes back to the default action and raises the signal again, which comes
  /// when the handler has returned to the instruction that faulted. Whether that is so is for the caller to
  /// prove, by that instruction.
  public var faultBefore: SignalContext? {
    guard code <= 0, trapNumber != nil else { return nil }
    return fault { $0 == number }
  }

  /// The fault of this number that was the last thing that had happened before, if there was one.
  public func fault(of number: Int32) -> SignalContext? { fault { $0 == number } }

  private func fault(where isWanted: (Int32) -> Bool) -> SignalContext? {
    guard let fault = FramePolicy.faults(self).first(where: { isWanted($0.number) }) else {
      return nil
    }
    var told = self
    (told.number, told.code, told.address) = (fault.number, fault.code, fault.address)
    return told
  }
}
