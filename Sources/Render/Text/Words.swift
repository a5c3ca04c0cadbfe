import Report

/// What the report's terms mean in words. Unknown terms, of a newer collector, are shown as they are.
enum Words {
  static func kind(_ kind: Crash.Kind) -> String {
    switch kind {
    case .managedException: "unhandled .NET exception"
    case .stackOverflow: "stack overflow"
    case .failFast: "Environment.FailFast"
    case .nativeFault: "fault in native code"
    case .abort: "abort"
    case .raisedSignal: "signal sent by a process"
    case .unknown: "not known"
    case .none: "no crash: a report of a live process"
    default: kind.rawValue
    }
  }

  static func signal(_ signal: SignalRecord, process: Int) -> String {
    var words = "\(signal.name) (\(signal.number))"
    if let code = signal.codeName {
      words += ", \(code)"
      if let meaning = meaning(code) { words += ": \(meaning)" }
    } else if let code = signal.code {
      words += ", code \(code)"
    }
    if let address = signal.address, signal.origin != .user { words += ", at \(address)" }
    if let access = signal.access {
      words += ", " + self.access(access)
    }
    if let sender = signal.sender {
      words += ", sent " + self.sender(sender, process: process)
    } else if signal.origin == .user {
      words += ", sent by a process"
    }
    return words
  }

  private static func access(_ access: SignalRecord.Access) -> String {
    switch access {
    case .read: "reading"
    case .write: "writing"
    case .execute: "executing"
    default: access.rawValue
    }
  }

  private static func sender(_ sender: SignalRecord.Sender, process: Int) -> String {
    switch sender.pid {
    case process: "by the process itself"
    case 0: "from outside this PID namespace"
    default: "by process \(sender.pid) of user \(sender.uid)"
    }
  }

  private static func meaning(_ code: String) -> String? {
    switch code {
    case "SEGV_MAPERR": "nothing is mapped there"
    case "SEGV_ACCERR": "the memory there does not allow it"
    case "SEGV_PKUERR": "a protection key forbids it"
    case "BUS_ADRALN": "misaligned address"
    case "BUS_ADRERR": "no memory behind the mapping, as when its file was cut short"
    case "BUS_OBJERR": "hardware error"
    case "FPE_INTDIV": "integer division by zero"
    case "FPE_INTOVF": "integer overflow"
    case "ILL_ILLOPC", "ILL_ILLOPN": "illegal instruction"
    case "ILL_PRVOPC": "privileged instruction"
    case "TRAP_BRKPT": "breakpoint"
    case "SI_KERNEL":
      "raised by the kernel, which does not say where (often a non-canonical address)"
    case "SI_USER": "kill"
    case "SI_TKILL": "tgkill, as raise and abort use it"
    case "SI_QUEUE": "sigqueue"
    default: nil
    }
  }

  static func end(_ reason: ThreadRecord.EndReason) -> String {
    switch reason {
    case .outermost: "the outermost frame"
    case .frameLimit: "the limit on frames"
    case .unreadableMemory: "the stack's memory could not be read further"
    case .noProgress: "the walk turned in a circle"
    case .noUnwindInformation: "no unwind information for the next frame"
    case .deadline: "time ran out"
    default: reason.rawValue
    }
  }

  /// What to add behind a frame that was not found for certain.
  static func doubt(_ trust: Frame.Trust) -> String? {
    switch trust {
    case .context, .cfi, .runtime: nil
    case .framePointer: "(frame pointer)"
    case .scan: "(scan: may be wrong)"
    default: "(\(trust.rawValue))"
    }
  }

  static func stack(_ kind: StackRecord.Kind) -> String {
    switch kind {
    case .main: "the main stack"
    case .thread: "the thread's stack"
    case .alternate: "the alternate signal stack"
    case .custom: "a custom stack"
    default: "stack \(kind.rawValue)"
    }
  }

  static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0, seconds < 1e12 else { return "?" }
    let whole = Int(seconds)
    return switch whole {
    case ..<1: "\(Int(seconds * 1000)) ms"
    case ..<60: "\(whole) s"
    case ..<3600: "\(whole / 60) min \(whole % 60) s"
    case ..<86400: "\(whole / 3600) h \(whole % 3600 / 60) min"
    default: "\(whole / 86400) d \(whole % 86400 / 3600) h"
    }
  }

  static func milliseconds(_ value: Double) -> String {
    guard value.isFinite, value >= 0, value < 1e12 else { return "? ms" }
    if value >= 10 { return "\(Int(value.rounded())) ms" }
    let tenths = Int((value * 10).rounded())
    return "\(tenths / 10).\(tenths % 10) ms"
  }

  static func bytes(_ count: Int) -> String {
    switch count {
    case ..<1024: "\(count) B"
    case ..<(1 << 20): "\(count >> 10) KiB"
    case ..<(1 << 30): "\(count >> 20) MiB"
    default: "\(count >> 30) GiB"
    }
  }

  /// Groups of three digits.
  static func count(_ value: Int) -> String {
    let digits = Array(String(value.magnitude))
    var result = value < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { result += "," }
      result.append(digit)
    }
    return result
  }

  static func many(_ count: Int, _ noun: String) -> String {
    "\(Words.count(count)) \(noun)\(count == 1 ? "" : "s")"
  }
}
