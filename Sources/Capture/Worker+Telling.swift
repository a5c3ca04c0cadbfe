import Diagnosis
import DotNet
import Inferior
import Memory
import Report
import Symbols
import Synchronization
import Unwinding

/// What the worker tells the supervisor.
extension Worker {
  /// Of many threads all but the crashed one are told of once, when their frames have all the names that they
  /// will get: telling of 3,000 took as long as finding their frames. A worker that dies before has a
  /// successor that does.
  ///
  /// - Parameters:
  ///   - isLast: nothing of importance will be added to the frames.
  ///   - isNews: whether there is anything to tell of a thread that has not been told.
  func sendThreads(
    _ examination: Examination, _ walks: [Walk], _ builder: FrameBuilder, isLast: Bool,
    where isNews: (Walk) -> Bool = { _ in true }
  ) {
    let threads = examination.frozen.threads
    let order = examination.order
    facts.send(.threads, order.flatMap { Framing.header(Int(threads[$0].id)) })
    let isWanted = isLast || threads.count <= Self.fewThreads
    let told = order.filter { (isWanted || $0 == examination.crashed) && isNews(walks[$0]) }
    // What the runtime is asked about, and what is read for the crashed thread, is one caller's at a time.
    let isShared = examination.managed == nil && examination.crashed == nil
    let portion = isShared ? Self.portion : 1
    let telling = Mutex(())
    // Values that nobody changes meanwhile, but for `facts`, which is one caller's as well.
    nonisolated(unsafe) let (examination, builder, facts) = (examination, builder, facts)
    Cores.share(told.count, atLeast: isShared ? portion : .max) { part in
      var texts = FrameTexts(builder)
      for start in stride(from: part.lowerBound, to: part.upperBound, by: portion) {
        let indices = told[start..<min(part.upperBound, start + portion)]
        var batch = ThreadBatch()
        for index in indices {
          examination.append(index, walk: walks[index], texts: &texts, to: &batch)
        }
        telling.withLock { _ in facts.send(batch) }
      }
    }
    for index in told where walks[index].omitted > 0 {
      let count = examination.frameCount(index, walk: walks[index], builder: builder)
      limit(
        .walk, thread: threads[index].id, problem: "the stack has \(count) frames",
        effect: "\(walks[index].omitted) frames in its middle are not listed")
    }
  }

  /// Threads that are told of at once. While one core tells, the others go on.
  private static let portion = 64

  private static let fewThreads = 32

  /// All that the runtime told besides names: the assemblies, and what was not to be had.
  func sendManaged(_ examination: Examination, _ managed: ManagedInspection) {
    for (problem, effect, remedy) in managed.problems {
      limit(.managed, problem: problem, effect: effect, remedy: remedy)
    }
    guard let names = examination.names else { return }
    send("modules", names.modules(examination.images))
    for (path, problem) in names.lines.problems where names.isOwn(path) {
      let file = path.split(separator: "/").last.map(String.init) ?? "an assembly"
      limit(
        .managed, problem: "\(file): \(problem)", effect: "its frames have no source lines",
        remedy: problem.remedy)
    }
    let cut = managed.threads.values.count { $0.isCutShort }
    if cut > 0 {
      limit(
        .managed,
        problem: "the process could not stand still for long enough to ask about all threads",
        effect: "for \(cut) threads it is not known which function of the runtime they have called")
    }
    if managed.monitors.isCutShort {
      limit(
        .managed, problem: "the process has more locks of objects than could be looked at in time",
        effect: "for some threads in Monitor.Enter it is not known who makes them wait")
    }
    for exception in managed.exception.map({ [$0] }) ?? [] { limit(exception) }
    if let call = managed.failFast, call.messageLeftOut > 0 {
      limit(
        .managed, problem: "FailFast's message is very long",
        effect: "\(call.messageLeftOut) UTF-16 units at its end are left out")
    }
  }

  func limit(_ exception: ExceptionFacts) {
    if exception.messageLeftOut > 0 {
      limit(
        .managed, problem: "the message of \(exception.type) is very long",
        effect: "\(exception.messageLeftOut) UTF-16 units at its end are left out")
    }
    if exception.entriesLeftOut > 0 {
      limit(
        .managed, problem: "the stack trace of \(exception.type) is very long",
        effect: "\(exception.entriesLeftOut) frames in its middle are not listed")
    }
    if exception.isCutShort {
      limit(
        .managed,
        problem: "\(exception.type) has more inner exceptions than could be read, or one in itself",
        effect: "not all of them are listed")
    }
    for inner in exception.inner { limit(inner) }
  }

  func send(_ key: String, _ value: some Encodable) {
    facts.send(.value, Array(key.utf8) + [0] + JSONStream.encode(value))
  }

  func limit(
    _ stage: Stage, thread: Int32? = nil, problem: String, effect: String, remedy: String? = nil
  ) {
    limit(stage.rawValue, thread: thread, problem: problem, effect: effect, remedy: remedy)
  }

  func limit(
    _ stage: String, thread: Int32? = nil, problem: String, effect: String, remedy: String? = nil
  ) {
    facts.send(
      .limitation,
      JSONStream.encode(
        Limitation(
          stage: stage, threadID: thread.map(Int.init), problem: problem, effect: effect,
          remedy: remedy)))
  }

  func begin(_ stage: Stage) -> Instant {
    facts.send(.stage, stage.rawValue)
    FaultInjection.strike(stage)
    return .now
  }

  func end(_ start: Instant) {
    facts.send(.stageEnd, milliseconds: Instant.now.milliseconds(since: start))
  }
}
