import CLinux
import Diagnosis
import Glibc
import Inferior
import Report
import Store

/// Owns the deadline and the report file; never touches foreign data.
///
/// It starts a worker, takes down what the worker says, and writes the report whatever becomes of it. A
/// worker that dies is started again without the stage that killed it.
public struct Supervisor {
  /// A stage that kills one worker is skipped; after this many deaths nothing more is tried.
  private static let maximumWorkers = 4

  /// Milliseconds that the freeze stage may take beyond its budget: waiting to be allowed to trace, and a
  /// machine that is busy.
  private static let freezeOverhead = 1500.0

  private let request: CaptureRequest
  private let begun = Instant.now
  private let createdAt = Timestamp.now()
  private let deadline: Instant
  private var assembler: ReportAssembler
  private var skipped: Set<Stage> = []
  private var mayFreeze = true

  public init(request: CaptureRequest) {
    self.request = request
    deadline = begun.advanced(byMilliseconds: request.timeout * 1000)
    assembler = ReportAssembler(request: request)
  }

  /// Collects and writes one report.
  ///
  /// - Returns: an exit status of ``ExitStatus``, and where the report is; nil without one.
  public mutating func run() -> (status: Int32, path: String?) {
    let worker = collect()
    let result = conclude()
    worker?.finish()
    return result
  }

  private mutating func conclude() -> (status: Int32, path: String?) {
    assembler.announce()
    if let (status, line) = assembler.refusal {
      guard request.trigger == .crash else {
        Console.complain(line)
        return (status, nil)
      }
      // A crash is worth a report even if nobody may look inside: the announced facts are facts too.
      assembler.noteUnexamined(line)
      assembler.add(
        Limitation(
          stage: Stage.freeze.rawValue, problem: line, effect: Stage.freeze.effect,
          remedy: "see inquest doctor"))
    }
    return write()
  }

  // MARK: Collecting

  /// - Returns: the last worker, which has told all and need not have ended; nil if none did.
  private mutating func collect() -> WorkerProcess? {
    for _ in 0..<Self.maximumWorkers {
      guard deadline > .now else { return nil }
      let spool = ThreadSpool()
      assembler.restart(spool: spool)
      let (request, skipped, mayFreeze) = (self.request, self.skipped, self.mayFreeze)
      let deadline = self.deadline
      let worker = WorkerProcess.start { socket in
        let worker = Worker(
          request: request, skipped: skipped, mayFreeze: mayFreeze, deadline: deadline,
          descriptor: socket, spool: spool?.descriptor ?? -1)
        worker.run()
      }
      assembler.announce()
      guard let worker else {
        assembler.add(
          Limitation(
            stage: Stage.freeze.rawValue, problem: "no worker process could be started",
            effect: Stage.freeze.effect, remedy: "raise the limit on processes or memory"))
        return nil
      }
      // Half of what is left for any one stage: a stage that hangs leaves time to go on without it. The
      // freeze is given no more than its budget: while it lasts the service stands still.
      let end = worker.follow(
        limit: { stage in
          let half = deadline.milliseconds(since: .now) / 2
          let isFreeze = stage == Stage.freeze.rawValue
          return Instant.now.advanced(
            byMilliseconds: isFreeze
              ? min(half, Self.freezeOverhead + request.maximumFreeze) : half)
        },
        accept: { assembler.accept($0, $1) })
      if assembler.isDone || assembler.refusal != nil { return worker }
      worker.finish()
      noteDeath(end)
      // Another worker would stop the process once more.
      if hasToldAllElse { return nil }
      // Reading this process's memory can block for ever (a dead network mount, userfaultfd): once is
      // enough for a service that stood still meanwhile. The next worker stops nobody.
      if end == .hung, self.skipped.contains(.freeze) { self.mayFreeze = false }
      FaultInjection.disarm()
    }
    return nil
  }

  /// The worker died in a stage that comes after everything of importance was told.
  private var hasToldAllElse: Bool { !skipped.isDisjoint(with: [.lines, .debuginfod]) }

  private mutating func noteDeath(_ end: WorkerProcess.End) {
    let how =
      switch end {
      case .died(let signal): "the worker died of \(SignalNames.name(Int(signal)))"
      case .hung: "the worker hung and was ended"
      case .exited(let status): "the worker exited with status \(status)"
      case .finished: "the worker ended early"
      }
    let stage = assembler.currentStage.flatMap(Stage.init(rawValue:))
    if let stage { skipped.insert(stage) }
    if stage == .freeze { assembler.noteDeathInFreeze() }
    let place = "in stage \(stage?.rawValue ?? "start")"
    let effect = stage?.effect ?? "the report may lack facts"
    // A worker that is ended because nothing is left of the time need not have hung.
    let ranOut = end == .hung && deadline.milliseconds(since: .now) < 1000
    assembler.add(
      Limitation(
        stage: stage?.rawValue ?? "worker",
        problem: ranOut ? "time ran out \(place)" : "\(how) \(place)", effect: effect,
        remedy: ranOut
          ? "raise INQUEST_TIMEOUT or --timeout"
          : "please report this as a bug of Inquest, with this report"))
  }

  // MARK: Writing

  private mutating func write() -> (status: Int32, path: String?) {
    let id = ReportID.random()
    let complete = assembler.isWhole && skipped.isEmpty
    if !assembler.isDone, assembler.refusal == nil, !hasToldAllElse {
      assembler.add(
        Limitation(
          stage: assembler.currentStage ?? "worker", problem: "the collection ended early",
          effect: "later stages are missing", remedy: "raise INQUEST_TIMEOUT or --timeout"))
    }
    if assembler.missingThreads > 0 {
      assembler.add(
        Limitation(
          stage: "worker", problem: "the worker ended before it had told of all threads",
          effect: "\(assembler.missingThreads) threads are missing"))
    }
    var info = ReportInfo(
      id: id, createdAt: Timestamp.text(secondsSince1970: createdAt), trigger: request.trigger,
      complete: complete,
      collector: ReportInfo.Collector(name: "inquest-collector", version: Version.current),
      timing: ReportInfo.Timing(
        totalMS: Instant.now.milliseconds(since: begun), frozenMS: assembler.frozen,
        stages: assembler.stages))
    info.redacted = assembler.redacted
    let json = assembler.json(info)
    let done = complete ? ExitStatus.done : ExitStatus.partial
    do {
      let path: String?
      switch request.destination {
      case .standardOutput:
        guard Console.output(json) else {
          Console.complain("the report could not be written to standard output")
          return (ExitStatus.failure, nil)
        }
        path = nil
      case .file(let file):
        try ReportDirectory.write(json, toFile: file)
        path = file
      case .store:
        let directory = ReportDirectory(
          path: ReportDirectory.standard(
            environment: { getenv($0).map { String(cString: $0) } }, userID: geteuid()))
        try directory.prepare()
        path = try directory.write(
          json,
          name: ReportDirectory.fileName(
            process: assembler.processName ?? "", pid: Int(request.pid),
            unixSeconds: Int(createdAt),
            id: id))
      }
      return (done, path)
    } catch {
      // What was found is not lost with the report.
      Console.complain(
        request.trigger == .crash ? "\(error); what was found: \(summary)" : "\(error)")
      return (ExitStatus.failure, nil)
    }
  }

  /// The verdict, for the terminal.
  public var summary: String { assembler.summary }
}

enum ReportID {
  /// 12 hex digits: enough that two reports of one directory never share them.
  static func random() -> String {
    var bytes: (UInt64) = 0
    if getrandom(&bytes, MemoryLayout<UInt64>.size, 0) != MemoryLayout<UInt64>.size {
      bytes = Instant.now.nanoseconds ^ UInt64(getpid()) << 40
    }
    let text = String(bytes & 0xffff_ffff_ffff, radix: 16)
    return String(repeating: "0", count: 12 - text.count) + text
  }
}
