import CLinux
import Diagnosis
import DotNet
import Inferior
import Memory
import Report
import Symbols
import Unwinding

/// Reads the process and tells the supervisor what it finds, stage by stage.
///
/// Everything here touches memory and files that the target controls, and may die of it. That costs the
/// stage, not the report: see ``Supervisor``.
struct Worker: ~Copyable {
  let request: CaptureRequest
  let skipped: Set<Stage>
  /// False after a freeze that hung: the process has stood still for long enough.
  let mayFreeze: Bool
  let deadline: Instant
  let facts: FactSender

  init(
    request: CaptureRequest, skipped: Set<Stage>, mayFreeze: Bool, deadline: Instant,
    descriptor: CInt, spool: CInt
  ) {
    self.request = request
    self.skipped = skipped
    self.mayFreeze = mayFreeze
    self.deadline = deadline
    facts = FactSender(descriptor: descriptor, spool: spool)
  }

  /// The story, from request to the last fact.
  func run() {
    do throws(InferiorError) {
      let directory = try ProcessDirectory(pid: request.pid)
      let (process, redacted) = ProcessFacts.read(directory)
      if let status = directory.status(), status.hasNoMemory, process.executable == nil,
        directory.threadIDs().count == 1
      {
        // A process that is about to be reaped has no memory either.
        if status.state == "Z" || status.state == "X" {
          throw InferiorError.vanished(pid: request.pid)
        }
        throw InferiorError.kernelThread(pid: request.pid)
      }
      facts.send(.name, process.name ?? "")
      send("process", process)
      if !redacted.isEmpty { facts.send(.redacted, redacted.joined(separator: "\n")) }
      let map = MapReading(directory)
      let managed = beginInspection(directory, map)
      let crashed = awaitCrashedThread(directory)
      awaitInspection(managed)
      let frozen = try look(directory, map, managed, crashed: crashed)
      let isWhole = examine(frozen, process, crashed: crashed, managed, directory)
      facts.send(.done, isWhole ? "" : "partial")
    } catch {
      let status =
        if case .notPermitted = error { ExitStatus.notPermitted } else { ExitStatus.failure }
      var line = "\(error); \(error.remedy)"
      switch error {
      case .vanished where request.trigger == .crash,
        .noSuchProcess where request.trigger == .crash:
        line =
          "the process was gone before it could be read; another of its threads may have crashed at the same moment"
      default: break
      }
      facts.send(.refused, [UInt8(status)] + Array(line.utf8))
    }
  }

  /// The thread that crashed: the one that createdump was told of; before .NET 6, the one that waits for
  /// the process which was executed in createdump's place.
  ///
  /// That one has forked us and is on its way into wait4. On a busy machine we can be faster than it, and
  /// stopped before it gets there it would look like any other.
  private func awaitCrashedThread(_ directory: borrowing ProcessDirectory) -> Int32? {
    guard request.trigger == .crash else { return nil }
    if let told = request.crash.crashThread { return told }
    guard let awaited = request.awaitedPID else { return nil }
    let patience = Instant.now.advanced(byMilliseconds: 1000)
    while Instant.now < patience, !directory.threadIDs().isEmpty {
      if let id = directory.thread(waitingFor: awaited) { return id }
      Instant.sleep(microseconds: 500)
    }
    return nil
  }

  /// Starts reading what the runtime knows; nil for a process without one, or when nobody wants it.
  private func beginInspection(
    _ directory: borrowing ProcessDirectory, _ map: MapReading
  ) -> ManagedInspection? {
    guard request.inspectsManaged, !skipped.contains(.managed) else { return nil }
    let start = begin(.managed)
    let inspection = ManagedInspection(
      directory, mappings: map.mappings, request: request, deadline: deadline)
    end(start)
    return inspection
  }

  private func awaitInspection(_ managed: ManagedInspection?) {
    guard let managed else { return }
    let start = begin(.managed)
    managed.prepare()
    end(start)
  }

  /// - Returns: false when what a crash is about, its thread, was not found.
  private func examine(
    _ frozen: FrozenProcess, _ process: ProcessRecord, crashed: Int32?,
    _ managed: ManagedInspection?, _ directory: borrowing ProcessDirectory
  ) -> Bool {
    var start = begin(.images)
    let images =
      skipped.contains(.images)
      ? ImageTable([]) : ImageTable(mappings: frozen.mappings, memory: frozen.memory)
    let runtime = ManagedRuntime(mappings: frozen.mappings)
    send("modules", images.images.map(ModuleRecord.init(image:)))
    send("memory_map", frozen.mappings.mappings.map { MapRecord($0, fault: nil) })
    if let runtime { report(runtime, managed) }
    end(start)

    start = begin(.walk)
    var examination = Examination(
      request: request, process: process, frozen: frozen, crashedThread: crashed, images: images,
      runtime: runtime,
      managed: managed)
    if let crashed, request.trigger == .crash {
      var crash = request.announcedCrash
      crash.threadID = Int(crashed)
      send("crash", crash)
    }
    // Well before the supervisor ends a stage that hangs: half a stack is better than none.
    let third = Instant.now.advanced(byMilliseconds: deadline.milliseconds(since: .now) / 3)
    let walks = examination.walk(
      isSkipped: skipped.contains(.walk), isPastDeadline: { Instant.now > third })
    examination.followOverflow(walks)
    lookUpSignal(&examination, walks, directory)
    limitTorn(examination, walks)
    let willName = request.namesSymbols && !skipped.contains(.symbols)
    sendThreads(
      examination, walks, examination.builder(symbols: [:], isNamed: false),
      isLast: !willName && examination.names == nil)
    end(start)

    // Assemblies and PDBs are files of the target's, like those of the next stage, and as dangerous.
    start = begin(.managed)
    if examination.names != nil {
      examination.findMonitors(walks)
      sendThreads(examination, walks, examination.builder(symbols: [:]), isLast: !willName)
      examination.nameException()
    }
    if let managed { sendManaged(examination, managed) }
    if let runtime { report(runtime, managed) }
    end(start)
    diagnose(examination, walks, symbols: [:])

    start = begin(.symbols)
    let symbolizer = symbolizer(examination, fetch: nil)
    let addresses = Examination.addresses(walks)
    var symbols: [UInt64: Symbol] = [:]
    var nameless: [(image: Int, problem: ImageProblem)] = []
    if willName {
      (symbols, nameless) = resolve(addresses, examination, symbolizer)
      examination.findLocks(walks, symbols: symbols, directory)
      sendThreads(examination, walks, examination.builder(symbols: symbols), isLast: true)
    }
    end(start)
    diagnose(examination, walks, symbols: symbols)
    if gatherEvidence(&examination, walks, symbols: symbols, symbolizer) {
      diagnose(examination, walks, symbols: symbols)
    }

    start = begin(.lines)
    var lines: [UInt64: CodePlace] = [:]
    var bare: [Int] = []
    if request.namesSymbols, request.namesLines, !skipped.contains(.lines) {
      (lines, bare) = findLines(addresses, examination, symbolizer)
      if !lines.isEmpty {
        sendThreads(
          examination, walks, examination.builder(symbols: symbols, lines: lines), isLast: true
        ) { $0.steps.contains { lines[$0.lookupAddress] != nil } }
      }
    }
    end(start)
    if !lines.isEmpty { diagnose(examination, walks, symbols: symbols, lines: lines) }
    if !directory.hasMemory() {
      limit(
        "process", problem: "the process ended while it was examined",
        effect: "what was still to be read of its memory and files is missing")
      return false
    }
    if request.asksDebuginfod {
      complete(examination, walks, symbols, lines, bare: bare, nameless: nameless)
    }
    return isWhole(examination, walks)
  }

  /// Says what happened: once from the stacks alone, lest a death among the symbols costs the verdict,
  /// again with names, and again with lines.
  private func diagnose(
    _ examination: Examination, _ walks: [Walk], symbols: [UInt64: Symbol],
    lines: [UInt64: CodePlace] = [:]
  ) {
    let start = begin(.diagnosis)
    if !skipped.contains(.diagnosis) {
      sendCrash(examination, walks, examination.builder(symbols: symbols, lines: lines))
    }
    end(start)
  }

  /// False when something that was wanted is missing: the crashed thread, a thread that could not be
  /// read, a stack that time ran out for, an inspector that died for good.
  private func isWhole(_ examination: Examination, _ walks: [Walk]) -> Bool {
    let isRead = examination.frozen.threads.allSatisfy { thread in
      thread.registers != nil || thread.hold == .none(.exited)
    }
    // Where there is nothing to ask, nothing was cut short.
    let isInspected = examination.managed?.state != .failed
    return isRead && isInspected && !examination.frozen.isCutShort && Instant.now < deadline
      && walks.allSatisfy { $0.end != .deadline }
      && (request.trigger != .crash || examination.crashed != nil)
  }

  private func report(_ runtime: ManagedRuntime, _ managed: ManagedInspection?) {
    send(
      "runtime",
      RuntimeRecord(
        version: runtime.version, commit: managed?.version?.commit, path: runtime.path,
        inspection: managed?.state ?? (request.inspectsManaged ? .failed : .unavailable)))
    if let (problem, effect, remedy) = managed?.unavailability {
      limit(.managed, problem: problem, effect: effect, remedy: remedy)
    }
  }

  func symbolizer(_ examination: Examination, fetch: DebugFileFetcher?) -> Symbolizer {
    let live = examination.frozen.liveThread
    let pid = request.pid
    return Symbolizer(
      open: { ImageFile.open($0, pid: pid, liveThread: live) }, memory: examination.frozen.memory,
      fetch: fetch)
  }

  /// - Returns: the symbols, and the images about which a server may be asked before anybody is told of them.
  private func resolve(
    _ addresses: Set<UInt64>, _ examination: Examination, _ symbolizer: Symbolizer
  ) -> ([UInt64: Symbol], nameless: [(image: Int, problem: ImageProblem)]) {
    let result = symbolizer.resolve(
      addresses, in: examination.images, isPastDeadline: { Instant.now > deadline })
    let nameless = result.problems.filter { request.asksDebuginfod && $0.problem == .noSymbols }
    limitSymbols(
      result.problems.filter { !request.asksDebuginfod || $0.problem != .noSymbols }, examination)
    return (result.symbols, nameless)
  }

  func limitSymbols(
    _ problems: [(image: Int, problem: ImageProblem)], _ examination: Examination
  ) {
    limit(
      .symbols, problems, examination,
      effect: "its functions have no names; the build-id and the offsets allow naming them later")
  }

  /// - Returns: the lines, and the images without debug information.
  func findLines(
    _ addresses: Set<UInt64>, _ examination: Examination, _ symbolizer: Symbolizer
  ) -> ([UInt64: CodePlace], bare: [Int]) {
    // Well before the supervisor ends a stage that hangs: half a file's lines are better than none.
    let limit = Instant.now.advanced(byMilliseconds: deadline.milliseconds(since: .now) / 3)
    let result = symbolizer.lines(
      of: addresses, in: examination.images, share: { Cores.share($0, atLeast: 1, $1) },
      isPastDeadline: { Instant.now > limit })
    self.limit(
      .lines, result.problems, examination,
      effect: "its functions have no source lines, and inlined calls are missing")
    return (result.places, result.bare)
  }

  private func limit(
    _ stage: Stage, _ problems: [(image: Int, problem: ImageProblem)],
    _ examination: Examination, effect: String
  ) {
    for (index, problem) in problems {
      // Generated code and assemblies have no ELF symbols, and nobody expects any.
      let image = examination.images.images[index]
      guard image.kind == .elf else { continue }
      limit(stage, problem: "\(image.path): \(problem)", effect: effect)
    }
  }
}
