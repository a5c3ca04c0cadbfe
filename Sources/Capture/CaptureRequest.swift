import CLinux
import Diagnosis
public import Report

/// What is wanted: of whom, why, and at what cost.
public struct CaptureRequest: Sendable {
  /// Where the report goes.
  public enum Destination: Sendable, Equatable {
    /// The report directory.
    case store
    case file(String)
    case standardOutput
  }

  public var pid: Int32
  public var trigger: ReportInfo.Trigger
  /// From createdump's command line; empty for a manual capture.
  public var crash = CreatedumpArguments([])
  /// The process for which the crashed thread waits: the supervisor, which was executed in the place of
  /// createdump.
  public var awaitedPID: Int32?
  public var destination = Destination.store
  /// Seconds for the whole collection.
  public var timeout = 30.0
  /// Milliseconds of freeze after which the rest is given up.
  public var maximumFreeze = 2000.0
  public var namesSymbols = true
  /// Source lines and inlined calls of native code; only with `namesSymbols`.
  public var namesLines = true
  /// Whether servers are asked for debug files that this machine lacks; only with `namesLines`, and never
  /// for a crash: a service that dies waits for no network.
  public var asksDebuginfod = false
  public var inspectsManaged = true

  public init(pid: Int32, trigger: ReportInfo.Trigger) {
    self.pid = pid
    self.trigger = trigger
  }

  /// The verdict that needs no look at the process: what the supervisor writes when all else fails.
  var announcedCrash: Crash {
    guard trigger == .crash else {
      return Crash(kind: .none, summary: "Process \(pid) was captured on request; it goes on")
    }
    return CrashVerdict.crash(announcedFacts)
  }

  var announcedFacts: CrashFacts {
    var facts = CrashFacts(pid: Int(pid))
    facts.threadID = crash.crashThread.map(Int.init)
    if let number = crash.signal {
      facts.announced = CrashFacts.Signal(number: number, code: crash.code, address: crash.address)
    }
    return facts
  }
}
