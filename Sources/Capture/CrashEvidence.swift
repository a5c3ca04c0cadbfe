import Memory
import Report
import Unwinding

/// What is read to explain a crash, beside the signal and the stacks.
struct CrashEvidence {
  var message: String?
  var thrown: Thrown?
  var instruction: InstructionRecord?
  /// Who sent the signal, with what is known of it.
  var sender: SignalRecord.Sender?
  var systemCall: SignalRecord.SystemCall?

  /// The fault whose handler has raised the signal again; see `SignalContext.faultBefore`.
  var raisedAgain: SignalContext?

  var memory: [MemoryRecord] = []

  /// True when nothing was found that a stage of its own looks for.
  var isEmpty: Bool {
    message == nil && thrown == nil && instruction == nil && raisedAgain == nil && memory.isEmpty
  }

  /// Adds to a verdict what belongs there.
  func complete(_ crash: inout Crash) {
    crash.message = message
    crash.thrown = thrown
    crash.instruction = instruction
    if let sender, crash.signal?.sender?.pid == sender.pid { crash.signal?.sender = sender }
    if crash.signal?.name == "SIGSYS" { crash.signal?.systemCall = systemCall }
  }
}

/// Texts in a process's memory of which only the beginning is certain to be one.
enum ForeignText {
  /// The characters at `address` up to a zero, and `…` where there are more than `limit` bytes of them; what is no
  /// UTF-8 is repaired. Nil where there is nothing to be read.
  static func read(_ address: UInt64, _ memory: any MemorySource, limit: Int) -> String? {
    let bytes = memory.prefix(at: address, atMost: limit)
    guard !bytes.isEmpty else { return nil }
    let text = bytes.prefix { $0 != 0 }
    return String(decoding: text, as: UTF8.self) + (text.count == limit ? "…" : "")
  }
}
