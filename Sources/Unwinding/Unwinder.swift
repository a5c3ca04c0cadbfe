import CUnwind
public import Memory

/// Turns a thread's registers and memory into the frames of its stack.
///
/// libunwind's cursor steps wherever there is unwind information; where there is none, the frame pointer
/// does, and last a short scan. Nothing is read but the memory source, nothing is run or stopped.
public struct Unwinder {
  private let space: AddressSpace
  private let managedCode: ManagedCodeFinder?

  /// - Parameters:
  ///   - memory: the target's memory: stacks as they were when `registers` were read.
  ///   - images: its images, for unwind tables.
  ///   - mappings: its mappings, to tell code from data.
  ///   - managedCode: asked about every address that is in no native library.
  ///   - sections: asked about images whose memory does not tell where their unwind information is.
  public init(
    memory: any MemorySource, images: ImageTable, mappings: MappingTable,
    managedCode: ManagedCodeFinder? = nil, sections: UnwindSections? = nil
  ) {
    space = AddressSpace(
      memory: memory, images: images, mappings: mappings, sections: sections)
    self.managedCode = managedCode
  }

  /// Walks one stack from `registers` outwards.
  ///
  /// - Parameter isPastDeadline: asked every few hundred frames; true ends the walk.
  public func walk(
    from registers: RegisterSet, limits: WalkLimits, isPastDeadline: () -> Bool
  ) -> Walk {
    var walker = Walker(space: space, managedCode: managedCode, limits: limits)
    return walker.run(from: registers, isPastDeadline: isPastDeadline)
  }
}

/// One walk in progress.
private struct Walker {
  let space: AddressSpace
  let managedCode: ManagedCodeFinder?
  let limits: WalkLimits
  let cursor: UnsafeMutablePointer<unw_cursor_t>
  /// Where the walk is: only the registers that a callee preserves are sure below the first frame.
  var ip: UInt64 = 0
  var sp: UInt64 = 0
  var trust = Walk.Trust.context
  var isInterrupted = true
  var switches = 0
  var interruptions = 0
  /// Where signal frames were met. The kernel puts a new one over an old one where a handler has left the
  /// alternate stack, and then the walk comes by the same one again.
  var signalFrames: Set<UInt64> = []
  var tail: [Walk.Step] = []
  var repeats = RepeatTracker()
  var stackScan: StackScan
  var walk = Walk()

  init(space: AddressSpace, managedCode: ManagedCodeFinder?, limits: WalkLimits) {
    self.space = space
    self.managedCode = managedCode
    self.limits = limits
    cursor = space.cursor
    stackScan = StackScan(space: space)
  }

  mutating func run(from registers: RegisterSet, isPastDeadline: () -> Bool) -> Walk {
    guard begin(at: registers, trust: .context, isInterrupted: true) else { return walk }
    while true {
      let place = space.place(ip, isInterrupted: isInterrupted)
      let isInterruption = isInterruption(place)
      // Nothing called a trampoline: the byte before it is another function's.
      isInterrupted = isInterrupted || place.contains(.trampoline)
      record(isTrampoline: isInterruption)
      if walk.count >= limits.total {
        walk.end = .frameLimit
        break
      }
      if walk.count % 256 == 0 || space.wasSlow, isPastDeadline() {
        walk.end = .deadline
        break
      }
      let end = isInterruption ? enterInterruptedFrame(place) : stepOut(of: place)
      if let end {
        walk.end = end
        break
      }
    }
    finish()
    return walk
  }

  // MARK: Keeping frames

  private mutating func record(isTrampoline: Bool) {
    let step = Walk.Step(
      ip: ip, sp: sp, trust: trust, isInterrupted: isInterrupted, isSignalTrampoline: isTrampoline)
    if walk.steps.count < limits.head {
      walk.steps.append(step)
    } else if tail.count < limits.tail {
      tail.append(step)
    } else if limits.tail > 0 {
      tail[(walk.count - limits.head) % limits.tail] = step
    }
    walk.count += 1
    repeats.note(ip)
  }

  /// Says of the frame recorded last that its address is no return address.
  private mutating func markAsEntered() {
    if walk.count == walk.steps.count {
      walk.steps[walk.count - 1].isInterrupted = true
    } else if !tail.isEmpty {
      tail[(walk.count - 1 - limits.head) % limits.tail].isInterrupted = true
    }
  }

  /// Puts the listed frames together: those before a repetition, one round of it, those after it.
  private mutating func finish() {
    let isFull = tail.count == limits.tail && limits.tail > 0
    let oldest = isFull ? (walk.count - limits.head) % limits.tail : 0
    let last = Array(tail[oldest...] + tail[..<oldest])
    let tailStart = walk.count - last.count
    let head = walk.steps
    var folded = 0
    if let run = repeats.run, run.start + run.period <= head.count {
      let kept = run.start + run.period
      walk.steps = Array(head[..<kept])
      if run.end < head.count { walk.steps += head[run.end...] }
      walk.steps += last.dropFirst(max(0, run.end - tailStart))
      walk.repeated = Walk.Repeat(step: run.start, period: run.period, times: run.times)
      folded = (run.times - 1) * run.period
      // Positions behind the fold have moved; only what interrupted the innermost frames is of use.
      walk.signals.removeAll { $0.step >= kept }
    } else {
      walk.steps += last
      walk.signals.removeAll { $0.step >= head.count }
    }
    walk.omitted = walk.count - walk.steps.count - folded
  }

  // MARK: Stepping

  private mutating func begin(
    at registers: RegisterSet, trust: Walk.Trust, isInterrupted: Bool
  ) -> Bool {
    ip = registers.instructionPointer
    sp = registers.stackPointer
    self.trust = trust
    self.isInterrupted = isInterrupted
    var start = registers
    // A fresh cursor takes its address for an interrupted one. Started one byte lower it finds the rules
    // of the calling instruction, and not those of whatever follows a call that never returns.
    if !isInterrupted { start.instructionPointer &-= 1 }
    return space.start(at: start, isInterrupted: isInterrupted)
  }

  /// True where a signal handler returns to, or one that was moved to another stack.
  private func isInterruption(_ place: CodeTraits) -> Bool {
    if place.contains(.trampoline) { return true }
    return place.contains(.movedHandler) && trust == .cfi
      && FramePolicy.movedSignalContext(ip: ip, sp: sp, memory: space.memory) != nil
  }

  /// Goes on where the signal struck, with every register that the kernel saved there. Nil on success.
  private mutating func enterInterruptedFrame(_ place: CodeTraits) -> Walk.End? {
    let context =
      place.contains(.trampoline)
      ? FramePolicy.signalContext(sp, memory: space.memory)
      : FramePolicy.movedSignalContext(ip: ip, sp: sp, memory: space.memory)
    guard var saved = context else { return .unreadableMemory }
    // A handler on an alternate stack may lie above or below the stack that it interrupted, so there is
    // no order of stack pointers to check here (field bug 20); a loop of signal frames ends by count.
    interruptions += 1
    if interruptions > 64 || !signalFrames.insert(sp).inserted { return .noProgress }
    saved.step = walk.count - 1
    walk.signals.append(saved)
    return begin(at: saved.registers, trust: .context, isInterrupted: true)
      ? nil : .noUnwindInformation
  }

  /// Moves to the caller; the reason if that is impossible.
  private mutating func stepOut(of place: CodeTraits) -> Walk.End? {
    guard place.contains(.code) else { return stepOutOfBadCall() }
    let code =
      place.contains(.native) ? nil : managedCode?(isInterrupted ? ip : ip &- 1)
    if let code, let next = step(outOf: code) { return restart(at: next, trust: .runtime) }
    // What the library does without any is a guess of its own.
    guard place.contains(.unwindInfo) else { return stepWithoutTable(isManaged: code != nil) }
    space.begin()
    let result = inquest_unwind_step(cursor)
    if result == 0 { return .outermost }
    if result < 0 { return space.readFailed ? .unreadableMemory : .noUnwindInformation }
    var (address, stack): (unw_word_t, unw_word_t) = (0, 0)
    guard inquest_unwind_register(cursor, INQUEST_UNW_IP, &address) == 0,
      inquest_unwind_register(cursor, INQUEST_UNW_SP, &stack) == 0
    else { return .unreadableMemory }
    if address == 0 { return .outermost }
    if !isInterrupted, !space.place(UInt64(address), isInterrupted: false).contains(.code),
      let next = callerOnAnotherStack()
    {
      return restart(at: next, trust: .framePointer)
    }
    // The return address was in a register that nobody knows.
    if address == RegisterSet.unknown { return .noUnwindInformation }
    if isInterrupted {
      var caller = RegisterSet(cursor: cursor)
      caller.instructionPointer = UInt64(address)
      caller.stackPointer = UInt64(stack)
      return restart(at: caller, trust: .cfi)
    }
    return arrive(ip: UInt64(address), sp: UInt64(stack), trust: .cfi)
  }

  /// The caller of code that a runtime generated; nil where that cannot be told from what it left.
  private mutating func step(outOf code: ManagedCode) -> RegisterSet? {
    // All registers of an interrupted frame are known; below it, those that callees preserve.
    var registers = isInterrupted ? space.registers : RegisterSet(cursor: cursor)
    registers.instructionPointer = ip
    registers.stackPointer = sp
    let next: RegisterSet?
    switch code {
    case .function(let rules):
      next = FramePolicy.stepByManagedRules(
        registers, rules, isInterrupted: isInterrupted, memory: space.memory)
    case .functionWithoutRules: next = nil
    // It has put nothing on the stack: whoever called it is on top.
    case .stub:
      next = isInterrupted ? FramePolicy.stepOutOfBadCall(registers, memory: space.memory) : nil
    }
    return next.flatMap { space.isCode($0.instructionPointer) ? $0 : nil }
  }

  /// Where there is no unwind information: generated code, hand-written assembly, musl's start code.
  private mutating func stepWithoutTable(isManaged: Bool) -> Walk.End? {
    if isPlanted { return stepOutOfPlanted() }
    var registers = RegisterSet(cursor: cursor)
    registers.instructionPointer = ip
    registers.stackPointer = sp
    // "The deepest frame has a zero frame pointer" (System V ABI, AMD64, 3.4.1). Where the register's
    // value is not sure to be the frame's own, 0 means nothing; nor in managed code, which native code has
    // called, and which uses the register as it likes.
    if registers.framePointer == 0, !isInterrupted, !isManaged, trust != .scan {
      return .outermost
    }
    let words = trust == .scan ? FramePolicy.scanWords : FramePolicy.scanWordsAfterTrusted
    let lookup = isInterrupted ? ip : ip &- 1
    if isPlausible(framePointer: registers.framePointer),
      let next = FramePolicy.stepByFramePointer(registers, memory: space.memory),
      isReturnAddress(next.instructionPointer) || isGoroutineStart(next)
    {
      if !isManaged,
        let proven = stackScan.proven(
          callerOf: registers, lookup: lookup, words: words, against: next)
      {
        return restart(at: proven, trust: .scan)
      }
      return restart(at: next, trust: .framePointer)
    }
    if let next = stackScan.caller(of: registers, lookup: lookup, words: words) {
      return restart(at: next, trust: .scan)
    }
    return .noUnwindInformation
  }

  /// Code that changes stacks in the middle (Go's asmcgocall) has unwind information that is wrong from there
  /// on; what it leaves in the frame pointer leads back. Nowhere else: a return address that is no code may
  /// be what an overflow has written, and has to be seen.
  private func callerOnAnotherStack() -> RegisterSet? {
    let registers = RegisterSet(cursor: cursor)
    guard let next = FramePolicy.stepByFramePointer(registers, memory: space.memory),
      isReturnAddress(next.instructionPointer),
      space.mappings.index(containing: next.stackPointer) != space.mappings.index(containing: sp)
    else { return nil }
    return next
  }

  /// As if the function had just been called: Go leaves such frames, with a caller on top. makecontext's has
  /// none.
  private mutating func stepOutOfPlanted() -> Walk.End? {
    markAsEntered()
    var registers = RegisterSet(cursor: cursor)
    registers.instructionPointer = ip
    registers.stackPointer = sp
    guard let next = FramePolicy.stepOutOfBadCall(registers, memory: space.memory),
      isReturnAddress(next.instructionPointer)
    else { return .outermost }
    return restart(at: next, trust: .cfi)
  }

  /// The thread executes where there is no code: a call through NULL, or a jump into the void.
  private mutating func stepOutOfBadCall() -> Walk.End? {
    guard isInterrupted else { return .noUnwindInformation }
    var registers = RegisterSet(cursor: cursor)
    registers.instructionPointer = ip
    registers.stackPointer = sp
    if let next = FramePolicy.stepOutOfBadCall(registers, memory: space.memory),
      isReturnAddress(next.instructionPointer)
    {
      return restart(at: next, trust: .scan)
    }
    return .noUnwindInformation
  }

  private mutating func restart(at registers: RegisterSet, trust: Walk.Trust) -> Walk.End? {
    let from = (sp, isInterrupted)
    guard begin(at: registers, trust: trust, isInterrupted: false) else {
      return .noUnwindInformation
    }
    (sp, isInterrupted) = from
    return arrive(
      ip: registers.instructionPointer, sp: registers.stackPointer, trust: trust)
  }

  /// Accepts a caller's frame, unless the stack does not move towards its base.
  private mutating func arrive(ip: UInt64, sp: UInt64, trust: Walk.Trust) -> Walk.End? {
    // A leaf function of arm64 has put nothing on the stack.
    if sp < self.sp || sp == self.sp && !isInterrupted {
      let changesStack =
        space.mappings.index(containing: sp) != space.mappings.index(containing: self.sp)
      guard changesStack, switches < FramePolicy.stackSwitches else { return .noProgress }
      switches += 1
    }
    self.ip = ip
    self.sp = sp
    self.trust = trust
    isInterrupted = false
    return nil
  }

  // MARK: Judging addresses

  /// True where a function's first instruction stands for a return address. Whoever made this stack has put
  /// it there: makecontext `__start_context`, for the outermost function to return to (gdb goes on with
  /// whatever lies above), and Go `systemstack_switch`, above a call of C.
  private var isPlanted: Bool {
    !isInterrupted && space.hasUnwindInfo(ip)
      && !FramePolicy.followsCall(ip, memory: space.memory)
  }

  /// A frame lies above the stack pointer, or on another stack altogether: a runtime that handles a
  /// fault on a stack of its own leaves a made-up stack pointer beside the true frame pointer.
  private func isPlausible(framePointer: UInt64) -> Bool {
    framePointer >= sp
      || space.mappings.index(containing: framePointer) != space.mappings.index(containing: sp)
  }

  private func isReturnAddress(_ address: UInt64) -> Bool {
    space.isCode(address)
      && (FramePolicy.followsCall(address, memory: space.memory)
        || FramePolicy.isSignalTrampoline(address, memory: space.memory))
  }

  /// Goroutines are given an address of which nobody was called, and a frame pointer of 0 before it.
  private func isGoroutineStart(_ registers: RegisterSet) -> Bool {
    registers.framePointer == 0 && space.isCode(registers.instructionPointer)
      && FramePolicy.isGoroutineExit(registers.instructionPointer, memory: space.memory)
  }
}
