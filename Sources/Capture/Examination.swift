import Diagnosis
import DotNet
import Inferior
import Memory
import Report
import Symbols
import Unwinding

/// A process as it was when it stood still, and what is worked out from it afterwards.
struct Examination {
  let request: CaptureRequest
  let frozen: FrozenProcess
  let images: ImageTable
  let runtime: ManagedRuntime?
  let managed: ManagedInspection?
  /// Names of managed code; nil where the runtime cannot be asked.
  let names: ManagedNames?
  let lines: ManagedLines
  /// The process itself, as /proc told it.
  let process: ProcessRecord
  /// Position of the crashed thread among `frozen.threads`; nil in a manual capture, or when unknown.
  private(set) var crashed: Int?
  var evidence = CrashEvidence()
  var waits: [Int32: WaitRecord] = [:]

  init(
    request: CaptureRequest, process: ProcessRecord, frozen: FrozenProcess, crashedThread: Int32?,
    images: ImageTable, runtime: ManagedRuntime?, managed: ManagedInspection?
  ) {
    self.request = request
    self.process = process
    self.frozen = frozen
    self.images = images
    self.runtime = runtime
    self.managed = managed
    lines = ManagedLines(pid: frozen.liveThread, memory: frozen.memory)
    names = managed.flatMap { [lines] in
      $0.wasReady ? ManagedNames($0, lines: lines, memory: frozen.memory) : nil
    }
    let told = crashedThread.flatMap { id in frozen.threads.firstIndex { $0.id == id } }
    // A process with one thread leaves no choice.
    crashed = request.trigger == .crash ? told ?? (frozen.threads.count == 1 ? 0 : nil) : nil
  }

  /// The crashed thread first, then the kernel's order.
  var order: [Int] {
    (crashed.map { [$0] } ?? []) + frozen.threads.indices.filter { $0 != crashed }
  }

  /// One walk a thread, in the order of `frozen.threads`; empty for those without registers.
  func walk(isSkipped: Bool, isPastDeadline: @escaping () -> Bool) -> [Walk] {
    let limits =
      isSkipped ? WalkLimits(head: 1, tail: 0, total: 1) : WalkLimits(head: 256, tail: 64)
    var walks = frozen.threads.map { _ in Walk() }
    walks.withUnsafeMutableBufferPointer { walks in
      nonisolated(unsafe) let (walks, one, isPastDeadline) = (walks, self, isPastDeadline)
      // The runtime answers one at a time. A second unwinder learns again what the first one has learned.
      Cores.share(walks.count, atLeast: managed == nil ? 200 : .max) { part in
        let unwinder = one.unwinder(isAlone: part.count == walks.count, isPastDeadline)
        for index in part {
          walks[index] = one.walk(
            one.frozen.threads[index], unwinder,
            isPastDeadline() ? WalkLimits(head: 1, tail: 0, total: 1) : limits, isPastDeadline)
        }
      }
    }
    return walks
  }

  private func unwinder(isAlone: Bool, _ isPastDeadline: @escaping () -> Bool) -> Unwinder {
    let memory =
      isAlone
      ? frozen.memory : frozen.memory.sharing(live: ProcessMemory(pid: frozen.liveThread))
    return Unwinder(
      memory: memory, images: images, mappings: frozen.mappings,
      managedCode: managed?.codeFinder(memory: memory, images: images),
      sections: UnwindSections(
        pid: request.pid, liveThread: frozen.liveThread, isPastDeadline: isPastDeadline))
  }

  private func walk(
    _ thread: StoppedThread, _ unwinder: Unwinder, _ limits: WalkLimits,
    _ isPastDeadline: () -> Bool
  ) -> Walk {
    guard let registers = thread.registers ?? thread.pointers.map(RegisterSet.init(blockedAt:))
    else {
      var walk = Walk()
      walk.end = .unreadableMemory
      return walk
    }
    return unwinder.walk(from: registers, limits: limits, isPastDeadline: isPastDeadline)
  }

  /// Every address that is looked up, once.
  static func addresses(_ walks: [Walk]) -> Set<UInt64> {
    var addresses: Set<UInt64> = []
    // Thousands of threads come by the same few: most are seen here, without hashing.
    var recent = [UInt64?](repeating: nil, count: 1024)
    for walk in walks {
      for step in walk.steps {
        let address = step.lookupAddress
        let slot = Int(truncatingIfNeeded: address) & (recent.count - 1)
        if recent[slot] == address { continue }
        recent[slot] = address
        addresses.insert(address)
      }
    }
    return addresses
  }

  /// Threads that run again and of whose stacks not all that was walked had been copied. The crashed one
  /// waits for us.
  func tornStacks(_ walks: [Walk]) -> [Int32] {
    frozen.threads.indices.filter { index in
      guard frozen.threads[index].hold == .released, index != crashed else { return false }
      var copied: Range<UInt64> = 0..<0
      return walks[index].steps.contains { step in
        if copied.contains(step.sp) { return false }
        copied = frozen.memory.copied(around: step.sp) ?? 0..<0
        return copied.isEmpty && frozen.mappings.containing(step.sp)?.isWritable == true
      }
    }.map { frozen.threads[$0].id }
  }

  /// .NET 8 prints the stack of an overflow on a thread of its own, and where frames are larger than a page
  /// that thread dies of it: it is then told to be the one that crashed. The one that overflowed waits for it.
  mutating func followOverflow(_ walks: [Walk]) {
    guard let told = crashed, frozen.threads[told].name.hasPrefix(".NET Stack"),
      walks[told].signals.isEmpty
    else { return }
    let overflowed = frozen.threads.indices.filter { index in
      guard let signal = walks[index].signals.last else { return false }
      return isAtStackEnd(
        signal, walk: walks[index], stacks: stackFinder(index, walk: walks[index]))
    }
    if overflowed.count == 1 { crashed = overflowed[0] }
  }

  /// - Parameter isNamed: false for frames as the walk has found them, before anybody is asked for names.
  func builder(
    symbols: [UInt64: Symbol], lines: [UInt64: CodePlace] = [:], isNamed: Bool = true
  ) -> FrameBuilder {
    FrameBuilder(
      images: images, runtime: runtime, names: isNamed ? names : nil, symbols: symbols,
      lines: lines,
      ownPIDs: [request.pid] + (process.namespacePID.map { [Int32($0)] } ?? []))
  }

  /// Adds a thread's JSON, frames that other threads have as well written once.
  func append(_ index: Int, walk: Walk, texts: inout FrameTexts, to batch: inout ThreadBatch) {
    guard texts.builder.names == nil, walk.repeated == nil, index != crashed else {
      return batch.append(record(index, walk: walk, builder: texts.builder))
    }
    let record = record(index, walk: walk, builder: texts.builder, listsFrames: false)
    let stacks = stackFinder(index, walk: walk)
    batch.append(record) {
      texts.append(walk.steps, stacks: stacks, home: record.stack, to: &$0)
    }
  }

  /// The position of the step at which a thread's frames begin: before it are those of the crash handling.
  private func storyStart(_ index: Int, walk: Walk, builder: FrameBuilder) -> Int {
    guard index == crashed else { return 0 }
    return builder.fault(in: walk, thread: frozen.threads[index].id) ?? 0
  }

  /// How many frames a thread has, those that are not listed included.
  func frameCount(_ index: Int, walk: Walk, builder: FrameBuilder) -> Int {
    walk.count - storyStart(index, walk: walk, builder: builder)
  }

  /// - Parameter listsFrames: false for a record without its frames.
  func record(
    _ index: Int, walk: Walk, builder: FrameBuilder, listsFrames: Bool = true
  ) -> ThreadRecord {
    let thread = frozen.threads[index]
    let isCrashed = index == crashed
    let split = storyStart(index, walk: walk, builder: builder)
    let stacks = stackFinder(index, walk: walk)
    let story = walk.steps[split...]
    // A frame that reaches over the end of its stack is on none.
    let stack = story.prefix(2).lazy.compactMap { stacks.stack(at: $0.sp) }.first
    var activations =
      listsFrames
      ? builder.activations(story, thread: thread.id, stacks: stacks, home: stack?.kind) : []
    // A fault inside the runtime is no machinery to fold away: it is the story.
    if isCrashed, !activations.isEmpty {
      for index in activations[0].indices { activations[0][index].plumbing = nil }
    }
    if let fold = walk.repeated, activations.indices.contains(fold.step - split) {
      let round = activations[(fold.step - split)...].prefix(fold.period)
      activations[fold.step - split][0].repeated = Frame.Repeated(
        frames: round.reduce(0) { $0 + $1.count }, times: fold.times)
    }
    var record = ThreadRecord(
      id: Int(thread.id), name: thread.name, crashed: isCrashed,
      frames: activations.flatMap(\.self), frameCount: walk.count - split,
      complete: walk.end == .outermost, endReason: walk.end.reason)
    record.state = ProcessStatus.name(ofState: thread.state)
    (record.stack, record.waitsFor) = (stack, waits[thread.id])
    let all = stacks.stacks(of: walk.steps, home: stack)
    if all.count > 1 { record.stacks = all }
    if let managed, let known = managed.threads[thread.id] {
      record.managed = ThreadRecord.Managed(
        id: known.managedID, exceptionType: managed.exceptionType(known))
    }
    let cause = isCrashed ? builder.cause(in: walk) : nil
    let registers = cause?.registers ?? thread.registers
    record.registers = registers.map { set in
      Registers(set.named.map { Registers.Entry(name: $0.name, value: HexNumber($0.value)) })
    }
    if split > 0 {
      record.handlerFrames = builder.frames(
        walk.steps[..<split], thread: thread.id, stacks: stacks, home: stack?.kind,
        below: split < walk.steps.count ? walk.steps[split] : nil)
    }
    return record
  }

  private func stackFinder(_ index: Int, walk: Walk) -> StackFinder {
    let thread = frozen.threads[index]
    return StackFinder(
      mappings: frozen.mappings, isMainThread: thread.id == request.pid,
      threadPointer: thread.registers?.threadPointer ?? 0,
      alternateStacks: walk.signals.compactMap(\.alternateStack))
  }

  /// What is known about the crash, from the runtime's arguments, the stack and the frames.
  func crashFacts(walks: [Walk], builder: FrameBuilder) -> CrashFacts {
    var facts = request.announcedFacts
    facts.runtime = runtime.map { runtime in
      ".NET" + (runtime.version.map { " " + $0 } ?? "")
    }
    facts.isNamespaceInit = process.isNamespaceInit == true
    facts.namespacePID = process.namespacePID
    guard let index = crashed else { return facts }
    facts.threadID = Int(frozen.threads[index].id)
    let walk = walks[index]
    let stacks = stackFinder(index, walk: walk)
    // The last signal is the one that the runtime announced, even where an earlier one was the cause.
    let signals = builder.uncaught(in: walk)
    if let last = signals.first(where: { $0.number != 0 }) {
      facts.found = CrashFacts.Signal(last)
      facts.faultBehind =
        (evidence.raisedAgain ?? builder.faultBehind(last, in: signals)).map(
          CrashFacts.Signal.init)
    }
    let fault = builder.fault(in: walk, thread: frozen.threads[index].id)
    facts.isStackKnown = fault != nil || walk.end == .outermost && walk.count > 1
    if let cause = evidence.raisedAgain ?? builder.cause(in: walk) {
      facts.isAtStackEnd = isAtStackEnd(cause, walk: walk, stacks: stacks)
      facts.handlerFaulted = builder.uncaught(in: walk).first.map { $0 != cause } ?? false
    }
    facts.exception = exception
    facts.failFast = managed?.failFast.map { CrashFacts.FailFast(message: $0.message, frames: []) }
    // A walk that ended within the crash handling shows where we are waited for, not where it happened.
    guard let fault else { return facts }
    // All of them: which are machinery, below a catch block, is told from what lies far out.
    let activations = builder.activations(
      walk.steps[fault...], thread: frozen.threads[index].id, stacks: stacks, home: nil)
    let all = activations.flatMap(\.self)
    let story = Array(all.prefix(Self.storyLength))
    facts.place = CrashPlace.words(story, images: images)
    facts.caller = CrashPlace.managedCaller(all, images: images)
    facts.frames = all
    facts.recursion = recursion(walk, from: fault, activations)
    facts.isInManagedCode = story.first?.kind == .managed
    // The first frame is FailFast's own.
    facts.failFast?.frames = Array(all.drop { $0.kind == .runtime })
    // musl has no unwind information: a scan from raise may well have missed abort's own frame.
    let isSure = !story.prefix(4).contains { $0.trust == .scan }
    if builder.namesSymbols {
      facts.calledAbort = story.contains { $0.function == "abort" } ? true : isSure ? false : nil
    }
    return facts
  }

  /// The exception that a crash is about.
  ///
  /// A thread that dies of a fault in native code, or of a signal, may well be dealing with an exception; that
  /// is not why it died, and stands with the thread only.
  func exception(of crash: Crash, thread: ThreadRecord?) -> ManagedException? {
    let frames = (thread?.frames ?? []).filter { $0.kind == .managed || $0.kind == .runtime }
    let listed = frames.filter { $0.kind == .managed || $0.plumbing != true }.map { frame in
      var frame = frame
      frame.repeated = nil
      return frame
    }
    if crash.kind == .failFast, exception == nil, let call = managed?.failFast {
      // What the runtime itself takes the thread's exception to be, with the words that the program gave; its
      // HRESULT is COR_E_EXECUTIONENGINE.
      return ManagedException(
        type: ExceptionWords.engineException, message: call.message ?? "", hresult: 0x8013_1506,
        frames: listed, inner: [])
    }
    guard var exception else { return nil }
    switch crash.kind {
    case .managedException, .failFast: break
    case .abort where crash.signal?.code == nil: break
    case .stackOverflow where exception.type == ExceptionWords.overflowException: break
    default: return nil
    }
    // One that was never thrown, but made by the runtime for a fault: it prints the thread's own stack.
    if exception.frames.isEmpty { exception.frames = listed }
    return exception
  }

  /// What the crashed thread was dealing with.
  private var exception: ManagedException? {
    guard let names, let facts = managed?.exception else { return nil }
    return names.exception(facts, images: images)
  }

  /// Looks up the methods and lines of the exception's own stack trace.
  func nameException() { _ = exception }

  /// The functions that call each other over and over, when they do so near where it happened.
  private func recursion(
    _ walk: Walk, from fault: Int, _ activations: [[Frame]]
  ) -> CrashFacts.Recursion? {
    guard let cycle = walk.repeated else { return nil }
    let start = cycle.step - fault
    guard start >= 0, start + cycle.period <= min(activations.count, Self.storyLength) else {
      return nil
    }
    let names = activations[start..<(start + cycle.period)].joined().compactMap(\.function)
    return CrashFacts.Recursion(functions: names, times: cycle.times)
  }

  private func isAtStackEnd(_ cause: SignalContext, walk: Walk, stacks: StackFinder) -> Bool {
    let stackPointer = cause.registers.stackPointer
    // Without an address there is only the stack pointer to go by.
    if cause.number == 0 { return stacks.isAtStackEnd(stackPointer: stackPointer) }
    let (segmentationFault, fromKernel): (Int32, Int32) = (11, 128)
    let caller = cause.step + 2
    return cause.number == segmentationFault && cause.code > 0 && cause.code != fromKernel
      && stacks.isAtStackEnd(
        fault: cause.address, stackPointer: stackPointer, isUnmapped: cause.code == 1,
        caller: caller < walk.steps.count ? walk.steps[caller].sp : nil)
  }

  /// Frames that are looked at to say where it happened.
  private static let storyLength = 12
}

extension CrashFacts.Signal {
  init(_ context: SignalContext) {
    self.init(
      number: Int(context.number), code: Int(context.code), address: context.address)
    senderPID = Int(context.senderPID)
    senderUID = Int(context.senderUID)
    errorCode = context.errorCode
    trapNumber = context.trapNumber
  }
}

extension ModuleRecord {
  init(image: Image) {
    let kind: ModuleRecord.Kind =
      switch image.kind {
      case .elf: .elf
      case .pe: .pe
      case .vdso: .vdso
      case .jit: .jit
      }
    self.init(
      path: image.path, kind: kind, base: HexNumber(image.base), end: HexNumber(image.end))
    buildID = image.buildID?.hexadecimal
    if image.isDeleted { deleted = true }
  }
}
