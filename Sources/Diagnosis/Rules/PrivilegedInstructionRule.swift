import Report

/// An instruction that only the kernel may execute; libraries use `hlt` to end a process that refuses to die.
enum PrivilegedInstructionRule {
  private static let names: Set<String> = [
    "hlt", "cli", "sti", "in", "out", "rdmsr", "wrmsr", "invd",
  ]

  static func diagnose(_ scene: CrashScene) -> Diagnosis? {
    guard scene.isFault(SignalNumber.segv, code: SignalCode.fromKernel),
      let instruction = scene.crash.instruction
    else { return nil }
    let name =
      instruction.text.map { String($0.prefix { $0 != " " }) }
      ?? (instruction.bytes.hasPrefix("f4") ? "hlt" : "")
    guard names.contains(name) else { return nil }
    let evidence = scene.evidence(CrashScene.instruction, CrashScene.firstFrame)
    if let abort = scene.frame(named: ["abort", "a_crash"], atMost: 2) {
      return Diagnosis(
        rule: "abort_by_instruction",
        summary: "abort() was called\(AbortRule.caller(scene).map { " by \($0)" } ?? ""), and "
          + "SIGABRT did not end the process: abort's last resort is an instruction that faults",
        detail: scene.process.isNamespaceInit == true
          ? "the process is the init of its PID namespace, which ignores signals that it sends to "
            + "itself; it ends with SIGSEGV (exit status 139 in a container) instead of SIGABRT (134)"
          : nil,
        confidence: .high, evidence: evidence + [CrashScene.frame(abort)])
    }
    // musl's abort without a word (a_crash), inlined into who has noticed.
    for known in checks {
      guard let check = scene.frame(named: known.functions, atMost: 4) else { continue }
      let place = scene.words(check + 1).map { " in \($0)" } ?? ""
      return Diagnosis(
        rule: known.rule, summary: known.summary + place, detail: known.detail, confidence: .high,
        evidence: evidence + [CrashScene.frame(check)])
    }
    return Diagnosis(
      rule: "privileged_instruction",
      summary:
        "\(name) was executed\(scene.place), which only the kernel may",
      detail: "a library ends the process so on purpose, or execution went astray",
      confidence: .medium,
      evidence: evidence)
  }

  private static let checks:
    [(rule: String, functions: Set<String>, summary: String, detail: String?)] = [
      (
        "heap_corruption",
        [
          "free", "realloc", "malloc", "calloc", "aligned_alloc", "__libc_free", "__libc_realloc",
          "__libc_malloc_impl",
        ],
        "The heap is corrupted: libc has noticed and ended the program",
        "memory was freed twice, used after it was freed, or written beyond its end: earlier, and perhaps "
          + "elsewhere"
      ),
      (
        "stack_smashing", ["__stack_chk_fail", "__stack_chk_fail_local"],
        "A function's frame on the stack was overwritten",
        "the stack protector has noticed on its return: an array there was written beyond its end"
      ),
      (
        "buffer_overflow", ["__chk_fail"],
        "A copy was longer than the buffer it went to (_FORTIFY_SOURCE)", nil
      ),
    ]
}
