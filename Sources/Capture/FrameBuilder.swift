import Diagnosis
import DotNet
import Memory
import Report
import Symbols
import Unwinding

/// Who knows about managed code: `ManagedNames`, which asks the runtime.
protocol ManagedCodeNames {
  /// False when nobody answers any more: what has no name then may yet be a method.
  var canAsk: Bool { get }
  /// True when the crashed thread was in Environment.FailFast.
  var isInFailFast: Bool { get }
  /// Whose code a lookup address is; nil for native code.
  func resolve(_ address: UInt64) -> ManagedNames.Resolved?
  /// The method that a function of the runtime implements, told by a record that it keeps on the stack.
  func nativeMethod(
    thread: Int32, between start: UInt64, and end: UInt64
  ) -> ManagedNames.Resolved?
  /// A helper of the runtime that managed code has called by itself.
  func helper(calledBefore returnAddress: UInt64) -> ManagedNames.Resolved?
}

extension ManagedNames: ManagedCodeNames {}

/// Turns the steps of a walk into the report's frames.
struct FrameBuilder {
  let images: ImageTable
  let runtime: ManagedRuntime?
  /// Nil where the runtime cannot be asked.
  let names: (any ManagedCodeNames)?
  let symbols: [UInt64: Symbol]
  /// Lines and inlined calls of native code.
  var lines: [UInt64: CodePlace] = [:]
  /// The process's ids, in our PID namespace and in its own.
  var ownPIDs: [Int32] = []

  /// False before the symbols have been looked up.
  var namesSymbols: Bool { !symbols.isEmpty }

  /// - Parameter below: the frame that called the outermost of `steps`.
  func frames(
    _ steps: ArraySlice<Walk.Step>, thread: Int32, stacks: StackFinder, home: StackRecord.Kind?,
    below: Walk.Step? = nil
  ) -> [Frame] {
    lines.isEmpty
      ? functions(steps, thread: thread, stacks: stacks, home: home, below: below)
      : activations(steps, thread: thread, stacks: stacks, home: home, below: below).flatMap(\.self)
  }

  /// The frames of each step: the calls that were inlined into its function, innermost first, and the
  /// function itself.
  func activations(
    _ steps: ArraySlice<Walk.Step>, thread: Int32, stacks: StackFinder, home: StackRecord.Kind?,
    below: Walk.Step? = nil
  ) -> [[Frame]] {
    let frames = functions(steps, thread: thread, stacks: stacks, home: home, below: below)
    return zip(frames, steps).map { activation(of: $1, function: $0) }
  }

  /// The same of a step that nobody is asked about.
  func activation(of step: Walk.Step, stack: StackRecord.Kind?) -> [Frame] {
    activation(of: step, function: frame(step, stack: stack))
  }

  private func activation(of step: Walk.Step, function: Frame) -> [Frame] {
    // What the runtime names is a method, whose C++ code is of no interest.
    guard function.kind == .native, let place = lines[step.lookupAddress] else { return [function] }
    return function.with(place)
  }

  /// The kind of the stack that a step is on, where that is not the thread's own.
  func stack(of step: Walk.Step, stacks: StackFinder, home: StackRecord.Kind?) -> StackRecord.Kind?
  {
    stacks.stack(at: step.sp).flatMap { $0.kind == home ? nil : $0.kind }
  }

  /// One frame a step.
  private func functions(
    _ steps: ArraySlice<Walk.Step>, thread: Int32, stacks: StackFinder, home: StackRecord.Kind?,
    below: Walk.Step?
  ) -> [Frame] {
    var frames = steps.map { frame($0, stack: stack(of: $0, stacks: stacks, home: home)) }
    guard let names else { return frames }
    // The native frames on top of a managed one: the record of a call is in the outermost of them, or in
    // one that this has called at once (Monitor.Enter's).
    var runStart: UInt64?
    for index in frames.indices {
      guard frames[index].kind == .native else {
        runStart = nil
        continue
      }
      let step = steps[steps.startIndex + index]
      let start = runStart ?? step.sp
      runStart = start
      let isLast = index + 1 == frames.count
      guard let caller = isLast ? below : steps[steps.startIndex + index + 1],
        names.resolve(caller.lookupAddress)?.kind == .managed,
        let found = names.nativeMethod(thread: thread, between: start, and: caller.sp)
          ?? names.helper(calledBefore: caller.ip)
      else { continue }
      frames[index].apply(found)
    }
    foldHandled(&frames, steps)
    return frames
  }

  /// A catch block runs on top of all that lies between the exception it has caught and the function that it
  /// belongs to. That is left over, and the function is there twice: for a reader the block is its frame.
  private func foldHandled(_ frames: inout [Frame], _ steps: ArraySlice<Walk.Step>) {
    guard let names else { return }
    let found = steps.map { names.resolve($0.lookupAddress) }
    for index in frames.indices {
      guard let block = found[index], block.isHandler else { continue }
      let owner = frames.indices[(index + 1)...].first {
        found[$0]?.method == block.method && found[$0]?.isHandler == false
      }
      guard let owner else { continue }
      for left in (index + 1)...owner { frames[left].plumbing = true }
    }
  }

  private func frame(_ step: Walk.Step, stack: StackRecord.Kind?) -> Frame {
    var frame = Frame(
      kind: .native, trust: trust(step.trust), ip: HexNumber(step.ip), sp: HexNumber(step.sp))
    frame.stack = stack
    let lookup = step.lookupAddress
    if let index = images.index(containing: lookup) {
      let image = images.images[index]
      frame.module = index
      frame.moduleOffset = HexNumber(step.ip &- image.base)
      if runtime != nil {
        if ManagedRuntime.holdsManagedCode(image) { frame.kind = .managed }
        if ManagedRuntime.isMachinery(image) { frame.plumbing = true }
      }
    }
    if let symbol = symbols[lookup] {
      frame.function = symbol.name
      frame.rawFunction = symbol.rawName
      frame.functionOffset = HexNumber(step.ip &- symbol.address)
    }
    if frame.kind == .managed || frame.module == nil, let found = names?.resolve(lookup) {
      frame.apply(found)
    }
    if step.isSignalTrampoline { frame.signalFrame = true }
    return frame
  }

  private func trust(_ trust: Walk.Trust) -> Frame.Trust {
    switch trust {
    case .context: .context
    case .cfi: .cfi
    case .framePointer: .framePointer
    case .scan: .scan
    case .runtime: .runtime
    }
  }

  /// The interruptions inside of all managed code. The program went on after the others: they were faults
  /// that a handler has caught, whose frames are still on the stack because catch blocks run on top of them.
  func uncaught(in walk: Walk) -> [SignalContext] {
    guard let running = innermostManaged(in: walk) else { return walk.signals }
    return walk.signals.filter { $0.step < running }
  }

  /// The interruption that the crash began with: the innermost one, unless that is a fault of the
  /// runtime's own handler while it was dealing with the one before.
  ///
  /// Not simply the outermost: a catch block runs on top of the frames of the fault that it has caught.
  func cause(in walk: Walk) -> SignalContext? {
    let signals = uncaught(in: walk)
    guard var cause = signals.first else { return nil }
    if let fault = faultBehind(cause, in: signals) { return fault }
    for earlier in signals.dropFirst() {
      // The last one before the earlier signal's interruption may be its trampoline, which is libc's.
      let between = walk.steps[
        min(cause.step + 1, walk.steps.count)..<min(earlier.step, walk.steps.count)]
      let isHandler = between.allSatisfy { step in
        images.containing(step.lookupAddress).map(ManagedRuntime.isMachinery) ?? false
      }
      guard runtime != nil, isHandler, Self.isFault(cause), Self.isFault(earlier) else { break }
      cause = earlier
    }
    return cause
  }

  /// The fault whose handler has sent `signal`, by abort() or raise(): that is how a program's own handler
  /// ends it.
  func faultBehind(_ signal: SignalContext, in signals: [SignalContext]) -> SignalContext? {
    let (fromUser, fromThread): (Int32, Int32) = (0, -6)
    guard runtime == nil, signal.code == fromThread || signal.code == fromUser,
      ownPIDs.contains(signal.senderPID)
    else { return nil }
    for (inner, outer) in zip(signals, signals.dropFirst()) {
      // Without a mask to tell by (SA_NODEFER), its own word counts.
      let told = inner.blocked == outer.blocked ? outer : outer.handled(until: inner)
      if let told, told.code > 0, SignalNames.isFault(Int(told.number)) { return told }
      // With SA_NODEFER and no siginfo only the number of what the handler raised again tells.
      if told == nil || inner.blocked == outer.blocked, let told = outer.fault(of: inner.number) {
        return told
      }
    }
    return nil
  }

  /// False for signals that somebody has sent: nobody fails to handle those.
  private static func isFault(_ signal: SignalContext) -> Bool {
    signal.number == 0 || signal.code > 0
  }

  /// The position of the step at which a crashed thread's own story begins: right below the interruption
  /// that it began with; else, for an exception, at the innermost managed frame.
  ///
  /// - Returns: nil when the walk shows none of that: it ended within the crash handling.
  func fault(in walk: Walk, thread: Int32) -> Int? {
    if let cause = cause(in: walk), cause.step + 1 < walk.steps.count {
      return cause.step + 1
    }
    guard let managed = innermostManaged(in: walk) else { return nil }
    // Environment.FailFast is native code, and the first thing that the runtime itself prints.
    if managed > 0, names?.isInFailFast == true,
      names?.nativeMethod(
        thread: thread, between: walk.steps[managed - 1].sp, and: walk.steps[managed].sp) != nil
    {
      return managed - 1
    }
    return managed
  }

  /// The position of the innermost step in a method; plumbing only where there is nothing else, as where an
  /// exception is thrown again on behalf of another thread.
  private func innermostManaged(in walk: Walk) -> Int? {
    guard runtime != nil else { return nil }
    var plumbing: Int?
    for (index, step) in walk.steps.enumerated() {
      let image = images.containing(step.lookupAddress)
      guard image.map(ManagedRuntime.holdsManagedCode) ?? false else { continue }
      guard let names else { return index }
      guard let found = names.resolve(step.lookupAddress) else {
        if names.canAsk { continue }
        return index
      }
      guard found.kind == .managed else { continue }
      if !found.isPlumbing { return index }
      plumbing = plumbing ?? index
    }
    return plumbing
  }
}

extension Frame {
  /// The frames that a native one stands for, innermost first: the calls inlined into it, and itself.
  fileprivate func with(_ place: CodePlace) -> [Frame] {
    var function = self
    function.set(place.place)
    if function.function == nil, let found = place.function {
      function.function = found.name
      function.rawFunction = found.rawName
      // A part that the compiler has moved away from its function may lie before it.
      if found.address <= ip.value {
        function.functionOffset = HexNumber(ip.value - found.address)
      }
    }
    return place.inlined.map { call in
      var frame = Frame(kind: .inlined, trust: trust, ip: ip, sp: sp)
      frame.stack = stack
      frame.module = module
      frame.moduleOffset = moduleOffset
      frame.function = call.function
      frame.rawFunction = call.rawFunction
      frame.plumbing = plumbing
      frame.set(call.place)
      return frame
    } + [function]
  }

  private mutating func set(_ place: SourcePlace?) {
    file = place?.file
    line = place?.line
    column = place?.column
  }
}

extension Walk.End {
  var reason: ThreadRecord.EndReason {
    switch self {
    case .outermost: .outermost
    case .frameLimit: .frameLimit
    case .unreadableMemory: .unreadableMemory
    case .noProgress: .noProgress
    case .noUnwindInformation: .noUnwindInformation
    case .deadline: .deadline
    }
  }
}
