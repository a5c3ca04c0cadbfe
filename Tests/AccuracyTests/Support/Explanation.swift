/// Differences in which gdb is wrong, or says less; whatever else differs fails the tests.
enum Explanation {
  /// Why this one is no error of ours; nil when it is not known to be none.
  static func of(_ difference: Difference) -> String? {
    let theirs = difference.theirs
    if difference.thread == "own-stack" {
      // The context that is to come next, and what it begins with; one program has it in a variable `stack`.
      if difference.kind == .missing, theirs.hasPrefix("?? at ") || theirs == "_ZL5stack" {
        return "makecontext's stack ends at __start_context; gdb goes on with the words above it"
      }
      if difference.kind == .name, difference.ours.hasPrefix("__start_context") {
        return "gdb looks for the caller of a function's first byte one byte earlier"
      }
    }
    if difference.kind == .name, theirs == "coroutine", difference.ours.hasSuffix(".actor") {
      return
        "gcc 12 describes no function where a coroutine's body is; gdb takes its neighbour for it"
    }
    return nil
  }
}
