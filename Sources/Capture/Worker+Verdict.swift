import CLinux
import Diagnosis
import DotNet
import Glibc
import Inferior
import Memory
import Report
import Unwinding

/// What happened, and why.
extension Worker {
  func sendCrash(_ examination: Examination, _ walks: [Walk], _ builder: FrameBuilder) {
    guard request.trigger == .crash else {
      let name = examination.frozen.threads.first?.name ?? ""
      let count = examination.frozen.threads.count
      let crash = Crash(
        kind: .none,
        summary: "\(name) (\(request.pid)) captured on request, "
          + (count == 1 ? "1 thread" : "\(count) threads") + "; it goes on")
      send("crash", crash)
      send("diagnoses", Diagnoses.diagnose(examination.report(crash, nil, crashed: nil)))
      facts.send(.summary, crash.summary)
      return
    }
    let known = examination.crashFacts(walks: walks, builder: builder)
    var crash = CrashVerdict.crash(known)
    examination.evidence.complete(&crash)
    let thread = examination.crashed.map {
      examination.record($0, walk: walks[$0], builder: builder)
    }
    let exception = examination.exception(of: crash, thread: thread)
    if let exception { send("exception", exception) }
    let report = examination.report(crash, exception, crashed: thread)
    let diagnoses = Diagnoses.diagnose(report)
    CrashVerdict.explain(&crash, by: diagnoses, known)
    send("crash", crash)
    if crash.signal?.address != nil { send("memory_map", report.memoryMap) }
    send("diagnoses", diagnoses)
    facts.send(.summary, crash.summary)
    if crash.survives == true, examination.runtime != nil {
      // Observed on 8.0.4: the next crash parks in poll(-1) as if the first were still being dumped.
      limit(
        "crash", problem: "the process goes on after this signal",
        effect:
          "from .NET 8 on, its next crash on any thread may hang instead of ending it, because "
          + "dumps are enabled (a bug of the runtime)",
        remedy: "restart the service")
    }
    if let index = examination.crashed, let thread {
      let isReached =
        builder.fault(
          in: walks[index], thread: examination.frozen.threads[index].id) != nil
      let signature = CrashSignature.signature(
        crash, thread: isReached ? thread : nil, exception: exception,
        modules: report.modules)
      send("signature", signature)
      if !isReached {
        limit(
          .walk, thread: examination.frozen.threads[index].id,
          problem: "the walk ended before the place of the crash (\(thread.endReason))",
          effect: "frames begin where the thread waits for the collector, not at the fault")
      } else if signature.frames.isEmpty {
        limit(
          .diagnosis, problem: "no frame of the crashed thread has a name or a file of its own",
          effect: "its signature says the kind of crash only, and is shared by different crashes")
      }
    } else {
      limit(
        .walk, problem: "the crashed thread could not be told from the others",
        effect: "no thread is marked as crashed")
    }
  }
}

extension Examination {
  /// The report as far as it is known, for the rules that explain it: positions are those that it will have.
  ///
  /// - Parameter crashed: the crashed thread with its frames; of all others rules only ask what they wait for.
  func report(_ crash: Crash, _ exception: ManagedException?, crashed: ThreadRecord?) -> Report {
    let info = ReportInfo(
      id: "", createdAt: "", trigger: request.trigger, complete: false,
      collector: ReportInfo.Collector(name: "", version: ""),
      timing: ReportInfo.Timing(totalMS: 0, frozenMS: nil, stages: []))
    var report = Report(report: info, crash: crash, process: process)
    report.exception = exception
    report.runtime = runtime.map {
      RuntimeRecord(version: $0.version, commit: nil, path: $0.path, inspection: .ok)
    }
    // Of a live process, which may have thousands of threads and mappings, there is only to say who waits.
    guard request.trigger == .crash || !waits.isEmpty else { return report }
    report.modules = images.images.map(ModuleRecord.init(image:))
    report.memoryMap = memoryMap(crash.signal)
    report.memory = evidence.memory
    report.threads = order.map { index in
      if index == self.crashed, let crashed { return crashed }
      let thread = frozen.threads[index]
      var record = ThreadRecord(
        id: Int(thread.id), name: thread.name, crashed: false, frames: [], frameCount: 0,
        complete: false, endReason: .outermost)
      record.waitsFor = waits[thread.id]
      return record
    }
    return report
  }

  /// - Parameter signal: whose address is marked; for a SIGBUS with the length of the file that it was in.
  func memoryMap(_ signal: SignalRecord?) -> [MapRecord] {
    let fault = signal?.address?.value
    var map = frozen.mappings.mappings.map { MapRecord($0, fault: fault) }
    let busError = 7
    if signal?.number == busError, let index = map.firstIndex(where: { $0.fault == true }),
      let path = map[index].path, path.hasPrefix("/"),
      let file = try? TargetFile.open(path, pid: frozen.liveThread)
    {
      var status = stat()
      if fstat(file, &status) == 0 { map[index].fileBytes = Int(status.st_size) }
      close(file)
    }
    return map
  }
}
