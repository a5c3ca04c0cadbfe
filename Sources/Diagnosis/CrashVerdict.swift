public import Report

/// Turns the facts about a signal into the report's `crash`.
public enum CrashVerdict {
  public static func crash(_ facts: CrashFacts) -> Crash {
    guard let signal = facts.signal else { return crashWithoutSignal(facts) }
    let record = record(signal)
    let kind = kind(signal, facts)
    var crash = Crash(
      kind: kind, summary: "", threadID: facts.threadID, signal: record)
    if survives(signal, facts) { crash.survives = true }
    crash.summary =
      summary(kind, record, facts, survives: crash.survives == true) + handled(facts)
    return crash
  }

  /// Puts why it happened before what happened, where a rule knows: the summary is what is read first, and
  /// by many alone.
  ///
  /// Not for .NET, whose exceptions say why themselves.
  public static func explain(_ crash: inout Crash, by diagnoses: [Diagnosis], _ facts: CrashFacts) {
    guard facts.runtime == nil, let verdict = diagnoses.first, verdict.confidence != .low,
      [.nativeFault, .abort, .stackOverflow].contains(crash.kind) || verdict.rule == "deadlock",
      let signal = crash.signal
    else { return }
    let code = signal.codeName.map { " (\($0))" } ?? ""
    let place = signal.address.map { " at address \($0)" } ?? ""
    let thread = facts.threadID.map { " on thread \($0)" } ?? ""
    crash.summary = "\(verdict.summary); \(signal.name)\(code)\(place)\(thread)" + handled(facts)
  }

  private static func handled(_ facts: CrashFacts) -> String {
    guard facts.faultBehind != nil, let last = facts.announced ?? facts.found else { return "" }
    return "; the program's own handler then ended it by \(SignalNames.name(last.number))"
  }

  /// .NET Core 3.1 tells createdump nothing. Where no signal frame is on the stack either, the runtime
  /// is ending its own process, and it does so with SIGABRT.
  private static func crashWithoutSignal(_ facts: CrashFacts) -> Crash {
    guard facts.runtime != nil, facts.isStackKnown else {
      return Crash(
        kind: .unknown, summary: "Process \(facts.pid) crashed; what happened is not known",
        threadID: facts.threadID)
    }
    let record = SignalRecord(number: SignalNumber.abrt, name: SignalNames.name(SignalNumber.abrt))
    let kind = kindOfEnd(facts)
    return Crash(
      kind: kind, summary: summary(kind, record, facts), threadID: facts.threadID,
      signal: record)
  }

  private static func kind(_ signal: CrashFacts.Signal, _ facts: CrashFacts) -> Crash.Kind {
    guard let code = signal.code else {
      return signal.number == SignalNumber.abrt ? kindOfEnd(facts) : .raisedSignal
    }
    // Above 0 the kernel raised it; SI_KERNEL (128) among them: a non-canonical address.
    if code > 0 {
      if facts.isAtStackEnd || facts.isManagedOverflow { return .stackOverflow }
      return facts.becameException ? .managedException : .nativeFault
    }
    return isAbort(signal, facts) ? .abort : .raisedSignal
  }

  /// Why the runtime ended its own process, which it does with SIGABRT and no code.
  ///
  /// The exception decides only here: one that a thread has caught is still there while a fault in native
  /// code, or a signal, ends the process.
  private static func kindOfEnd(_ facts: CrashFacts) -> Crash.Kind {
    guard facts.runtime != nil else { return .abort }
    if facts.isManagedOverflow { return .stackOverflow }
    if facts.failFast != nil { return .failFast }
    guard let exception = facts.exception, exception.type != ExceptionWords.engineException
    else {
      return .abort
    }
    return .managedException
  }

  /// abort() sends SIGABRT to its own thread (SI_TKILL); so does raise(SIGABRT), which is a signal like
  /// any other.
  private static func isAbort(_ signal: CrashFacts.Signal, _ facts: CrashFacts) -> Bool {
    signal.number == SignalNumber.abrt && signal.code == SignalCode.threadKill
      && facts.calledAbort != false
  }

  private static func record(_ signal: CrashFacts.Signal) -> SignalRecord {
    var record = SignalRecord(number: signal.number, name: SignalNames.name(signal.number))
    guard let code = signal.code else { return record }
    record.code = code
    record.codeName = SignalNames.codeName(signal: signal.number, code: code)
    record.origin = code > 0 ? .kernel : .user
    if code > 0 {
      // SI_KERNEL carries no address: the 0 in its place is no null pointer.
      if code != 128, SignalNames.isFault(signal.number) {
        record.address = signal.address.map { HexNumber($0) }
      }
      record.access = access(signal)
      // What another signal's frame has is left from the fault before.
      if SignalNames.isFault(signal.number) {
        record.trapNumber = signal.trapNumber.flatMap { Int(exactly: $0) }
        record.errorCode = signal.errorCode.map { HexNumber($0) }
      }
    } else if let pid = signal.senderPID, let uid = signal.senderUID {
      record.sender = SignalRecord.Sender(pid: pid, uid: uid)
    }
    return record
  }

  /// Bits 1 and 4 of a page fault's error code: write, instruction fetch (Intel SDM, 4.7).
  private static func access(_ signal: CrashFacts.Signal) -> SignalRecord.Access? {
    let pageFault: UInt64 = 14
    guard signal.trapNumber == pageFault, let error = signal.errorCode else { return nil }
    if error & 0x10 != 0 { return .execute }
    return error & 0x2 != 0 ? .write : .read
  }

  /// A sent signal re-executes nothing: when the runtime's handler returns from it, the process goes on
  /// (observed on 8.0.4 and 3.1.23 for kill and raise; abort() and SIGTRAP do end it).
  private static func survives(_ signal: CrashFacts.Signal, _ facts: CrashFacts) -> Bool {
    guard let code = signal.code, code <= 0 else { return false }
    // Without a handler, signals that are sent do nothing to such a process (pid_namespaces(7)); abort() ends
    // it all the same, by a fault.
    if facts.runtime == nil { return facts.isNamespaceInit && !isAbort(signal, facts) }
    if signal.number == SignalNumber.abrt { return !isAbort(signal, facts) }
    return [SignalNumber.ill, SignalNumber.bus, SignalNumber.fpe, SignalNumber.segv].contains(
      signal.number)
  }

  private static func summary(
    _ kind: Crash.Kind, _ signal: SignalRecord, _ facts: CrashFacts, survives: Bool = false
  ) -> String {
    let thread = facts.threadID.map { " on thread \($0)" } ?? ""
    let caller = facts.caller.map { ", called from \($0)" } ?? ""
    let function = facts.place.map { " in \($0)\(caller)" } ?? ""
    let place = signal.address.map { " at address \($0)" } ?? ""
    let recursion = recursion(facts.recursion)
    let code = signal.codeName.map { " (\($0))" } ?? ""
    switch kind {
    case .managedException where facts.exception != nil:
      let fault = signal.address == nil ? "" : " (\(signal.name)\(code)\(place))"
      return facts.exception.map { ExceptionWords.sentence($0, frames: facts.frames) + fault } ?? ""
    case .failFast:
      return ExceptionWords.failFast(facts.failFast)
    case .nativeFault, .managedException:
      let access =
        switch signal.access {
        case .some(.execute): " executing"
        case .some(.write): " writing"
        case .some: " reading"
        case nil: ""
        }
      let exception =
        switch kind {
        case .managedException where signal.number == SignalNumber.fpe:
          ": a .NET DivideByZeroException that nobody caught"
        case .managedException:
          ": a .NET NullReferenceException or AccessViolationException that nobody caught"
        default: ""
        }
      return "\(signal.name)\(code)\(access)\(place)\(function)\(thread)\(exception)"
    case .stackOverflow where facts.handlerFaulted:
      return "Stack overflow\(function)\(thread); the runtime's handler of it then died of "
        + "\(signal.name)\(code)\(place)"
    case .stackOverflow where signal.address == nil:
      return "Stack overflow\(function)\(recursion)\(thread)"
    case .stackOverflow:
      return
        "Stack overflow\(function)\(recursion)\(thread): \(signal.name)\(code)\(place), the end of its stack"
    case .abort where signal.code == nil:
      guard let runtime = facts.runtime else { return "The process aborted\(thread) (SIGABRT)" }
      // A walked stack would have shown the fault behind an overflow or an access violation.
      let faults = facts.isStackKnown ? "" : ", a stack overflow or an access violation"
      return "\(runtime) ended the process\(thread) with SIGABRT: an unhandled exception or "
        + "Environment.FailFast\(faults)"
    case .abort: return "abort() was called\(function)\(thread) (SIGABRT)"
    default:
      let sender = signal.sender.map { sender in
        sender.pid == facts.pid || sender.pid == facts.namespacePID
          ? " by the process itself" : " by process \(sender.pid) (user \(sender.uid))"
      }
      return "\(signal.name) was sent\(thread.replacingOn)\(sender ?? "")"
        + (survives ? "; it is no fault, and the process goes on" : "")
    }
  }
}

extension CrashVerdict {
  /// `, 130000 times Ends.Ping → Ends.Pong`: who calls whom.
  private static func recursion(_ cycle: CrashFacts.Recursion?) -> String {
    guard let cycle, !cycle.functions.isEmpty else { return "" }
    guard cycle.functions.count > 1 else {
      return ", after \(cycle.times) calls of \(cycle.functions[0]) by itself"
    }
    let names = cycle.functions.reversed().joined(separator: " → ")
    return ", after \(cycle.times) rounds of \(names)"
  }
}

extension String {
  /// " on thread 7" as " to thread 7": signals are sent to threads, faults happen on them.
  fileprivate var replacingOn: String {
    hasPrefix(" on ") ? " to " + dropFirst(4) : self
  }
}
