extension Registers {
  /// Where a register stands in its architecture's usual order. Names that are not known come last, by
  /// the alphabet.
  static func rank(_ name: String) -> (Int, String) {
    (usualOrder[name] ?? .max, name)
  }

  private static let usualOrder: [String: Int] = {
    let x86 =
      ["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp"]
      + (8...15).map { "r\($0)" } + ["rip", "rflags", "eflags"]
    let arm = (0...30).map { "x\($0)" } + ["fp", "lr", "sp", "pc", "pstate", "cpsr"]
    let segments = ["cs", "ss", "ds", "es", "fs", "gs", "fs_base", "gs_base"]
    var order: [String: Int] = [:]
    for name in x86 + arm + segments where order[name] == nil { order[name] = order.count }
    return order
  }()
}
