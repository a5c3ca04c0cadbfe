/// Differences in which gdb is wrong, or says less; whatever else differs fails the tests. What
/// `DebuggerErrorTests` shows is that gdb, and not we, is.
enum Explanation {
  /// Why this one is no error of ours; nil when it is not known to be none.
  static func of(_ difference: Difference) -> String? {
    switch difference.kind {
    case .judged: "addr2line says the same lines as we; see LineJudge"
    case .astray:
      "gdb takes words of the stack for return addresses, that are no code, and what comes after is chance"
    case .name
    where difference.theirs.hasPrefix("?? at ") && difference.ours.contains(" at its first byte"):
      "gdb looks up a function's first byte, put where a return address belongs, one byte earlier"
    case .name where difference.theirs == "coroutine" && difference.ours.hasSuffix(".actor"):
      "gcc 12 describes no function where a coroutine's body is; gdb takes its neighbour for it"
    default: nil
    }
  }
}
