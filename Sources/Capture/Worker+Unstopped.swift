import Inferior
import Report
import Unwinding

/// What the report says of threads that did not stand still.
extension Worker {
  /// What /proc tells of threads that could not be stopped, and why they could not.
  func fillInUnstopped(
    _ frozen: inout FrozenProcess, _ directory: borrowing ProcessDirectory
  ) {
    if frozen.isCutShort {
      limit(
        .freeze, problem: "the freeze budget of \(request.maximumFreeze) ms ran out",
        effect: "some stacks were read while their threads were running",
        remedy: "raise INQUEST_MAX_FREEZE or --max-freeze")
    }
    var unasked = 0
    var refused: [Int32] = []
    for thread in frozen.threads {
      switch thread.hold {
      case .none(.exited):
        limit(
          .freeze, thread: thread.id, problem: "the thread has exited (zombie)",
          effect: "it has no stack")
      case .none(.notStopped):
        limit(
          .freeze, thread: thread.id,
          problem: "the process was not stopped again after a freeze that hung",
          effect: thread.pointers == nil
            ? "the thread was running: its stack is not read"
            : "of its registers but two are known; its stack may end early")
      case .none(.noTime):
        unasked += 1
      case .none(.refused): refused.append(thread.id)
      case .stopping:
        let sleeps = thread.state == "D"
        limit(
          .freeze, thread: thread.id,
          problem: sleeps
            ? "the thread did not stop (uninterruptible sleep, or waiting for a vfork child)"
            : "the freeze budget ended before the thread had stopped",
          effect: thread.pointers == nil
            ? "its stack is not read"
            : "its registers are unknown but for two; its stack may end early",
          remedy: sleeps ? nil : "raise INQUEST_MAX_FREEZE or --max-freeze")
      case .stopped, .released:
        guard thread.registers == nil else { continue }
        limit(
          .freeze, thread: thread.id, problem: "the thread's registers are not this architecture's",
          effect: "its stack is not read", remedy: "32-bit programs are not supported")
      }
    }
    // Where it was everybody, that has been said.
    if !refused.isEmpty, refused.count < frozen.threads.count {
      limit(
        .freeze, thread: refused.count == 1 ? refused[0] : nil,
        problem: "the kernel refused to trace "
          + (refused.count == 1 ? "the thread" : "\(refused.count) threads"),
        effect: "their registers are unknown but for two; a running one's stack is not read",
        remedy: "end any debugger that traces them")
    }
    if unasked > 0 {
      limit(
        .freeze,
        problem:
          "the freeze budget of \(request.maximumFreeze) ms ended before \(unasked) threads could be stopped",
        effect: "their stacks were read while they ran on, and only of those that were blocked",
        remedy: "raise INQUEST_MAX_FREEZE or --max-freeze")
    }
  }

  /// Tells of stacks of which a part was read when their threads ran again: deeper than what is copied, or
  /// moved elsewhere in the moment before the stop.
  func limitTorn(_ examination: Examination, _ walks: [Walk]) {
    let torn = examination.tornStacks(walks)
    guard !torn.isEmpty else { return }
    limit(
      .walk, problem: "the outer frames of \(torn.count) threads were read after they ran on",
      effect: "what these threads (\(torn.prefix(5).map(String.init).joined(separator: ", "))"
        + "\(torn.count > 5 ? ", …" : "")) show may be of two moments")
  }
}
