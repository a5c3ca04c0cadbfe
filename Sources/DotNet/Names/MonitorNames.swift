/// Which code of the runtime enters the lock of an object, and may have to wait for it.
public enum MonitorNames {
  private static let type = "System.Threading.Monitor."

  /// - Parameter method: as the DAC spells it. Enter and TryEnter are native code, or call ReliableEnter and
  ///   ReliableEnterTimeout, which are.
  public static func enters(method: String) -> Bool {
    guard method.hasPrefix(type) else { return false }
    let name = method.dropFirst(type.count)
    return name.hasPrefix("Enter(") || name.hasPrefix("TryEnter(")
      || name.hasPrefix("ReliableEnter")
  }

  /// - Parameter helper: as the runtime spells it: JIT_MonEnterWorker, JIT_MonReliableEnter, JIT_MonTryEnter.
  public static func enters(helper: String) -> Bool {
    helper.hasPrefix("JIT_Mon") && !helper.hasPrefix("JIT_MonExit")
  }
}
