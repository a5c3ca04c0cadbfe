import Report

/// abort() with nothing left to read: who called it, and what that means where the caller is known for it.
enum AbortRule {
  static func diagnose(_ scene: CrashScene) -> Diagnosis? {
    guard scene.crash.kind == .abort, scene.crash.message == nil, scene.crash.thrown == nil,
      scene.signal?.code != nil
    else { return nil }
    let evidence = scene.evidence(CrashScene.signalPointer, CrashScene.firstFrame)
    for known in known {
      guard let index = scene.frame(named: known.functions) else { continue }
      let own = scene.thread?.frames.dropFirst(index + 1).prefix(24).first { !scene.isLibrary($0) }
      let caller = own.flatMap { scene.words($0) }.map { " in \($0)" } ?? ""
      return Diagnosis(
        rule: known.rule, summary: known.summary + caller, detail: known.detail,
        confidence: .high, evidence: evidence + [CrashScene.frame(index)])
    }
    guard let caller = caller(scene) else { return nil }
    return Diagnosis(
      rule: "abort", summary: "\(caller) called abort()",
      detail: "if it has said why, that is on standard error, not in memory",
      confidence: .medium,
      evidence: evidence)
  }

  private static let known:
    [(rule: String, functions: Set<String>, summary: String, detail: String?)] = [
      (
        "assertion_failed", ["__assert_fail", "__assert", "__assert_rtn"], "An assertion failed",
        "its text was printed to standard error"
      ),
      (
        "stack_smashing", ["__stack_chk_fail"], "A function's frame on the stack was overwritten",
        "the stack protector has noticed on its return: an array there was written beyond its end"
      ),
      (
        "buffer_overflow", ["__chk_fail", "__fortify_fail"],
        "A copy was longer than the buffer it went to (_FORTIFY_SOURCE)", nil
      ),
      (
        "pure_virtual_call", ["__cxa_pure_virtual"], "A pure virtual function was called",
        "in a constructor or destructor, or of an object that was destroyed"
      ),
      (
        "rust_panic",
        [
          "rust_panic", "__rustc::rust_panic", "core::panicking::panic_nounwind",
          "std::panicking::rust_panic_with_hook",
        ],
        "Rust panicked",
        "it could not unwind (panic=abort, or a panic during another one); what it said stands on standard error"
      ),
      (
        "joinable_thread", ["std::thread::~thread()", "std::thread::operator=(std::thread&&)"],
        "A std::thread was destroyed that was neither joined nor detached", nil
      ),
      (
        "terminate", ["std::terminate()", "std::terminate", "__cxxabiv1::__terminate(void (*)())"],
        "std::terminate was called", "no exception is there: noexcept, a thread, or a direct call"
      ),
    ]

  private static let machinery: Set<String> = [
    "abort", "raise", "gsignal", "__pthread_kill_implementation", "__pthread_kill_internal",
    "pthread_kill@@GLIBC_2.34", "pthread_kill", "__GI_raise", "__GI_abort", "__libc_message",
    "tkill",
    "__syscall_ret", "__block_all_sigs", "__restore_sigs",
  ]

  /// Who called abort, in words.
  static func caller(_ scene: CrashScene) -> String? {
    guard let frames = scene.thread?.frames,
      let abort = frames.prefix(12).lastIndex(where: {
        $0.function == "abort" || $0.function == "__GI_abort"
      })
    else { return nil }
    return next(scene, after: abort)
  }

  private static func next(_ scene: CrashScene, after index: Int) -> String? {
    let frames = scene.thread?.frames.dropFirst(index + 1).prefix(12) ?? []
    // Without a name libc's own are machinery too.
    return frames.first { frame in
      frame.function.map { !machinery.contains($0) } ?? !scene.isLibrary(frame)
    }.flatMap { scene.words($0) }
  }

  /// The first frame that is none of libc's way to die.
  static func culprit(_ scene: CrashScene) -> String? {
    guard let frames = scene.thread?.frames else { return nil }
    let own = frames.prefix(24).firstIndex { !scene.isLibrary($0) && $0.function != "abort" }
    return own.flatMap { scene.words($0) }
  }
}
