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
  /// Position of the crashed thread among `frozen.threads`; nil in a manual capture, or when unknown.
  let crashed: Int?

  init(
    request: CaptureRequest, frozen: FrozenProcess, images: ImageTable, runtime: ManagedRuntime?
  ) {
    self.request = request
    self.frozen = frozen
    self.images = images
    self.runtime = runtime
    crashed = request.trigger == .crash ? Self.crashedThread(request, frozen.threads) : nil
  }

  /// The one that createdump was told of; before .NET 6, the one that waits for us: its system call is
  /// wait4, and its first argument the process that was executed in createdump's place.
  private static func crashedThread(_ request: CaptureRequest, _ threads: [StoppedThread]) -> Int? {
    if let id = request.crash.crashThread,
      let index = threads.firstIndex(where: { $0.id == id })
    {
      return index
    }
    if let awaited = request.awaitedPID {
      let index = threads.firstIndex {
        $0.registers?.systemCall == RegisterSet.waitSystemCall
          && $0.registers?.firstArgument == UInt64(awaited)
      }
      if let index { return index }
    }
    return threads.count == 1 ? 0 : nil
  }

  /// The crashed thread first, then the kernel's order.
  var order: [Int] {
    (crashed.map { [$0] } ?? []) + frozen.threads.indices.filter { $0 != crashed }
  }

  /// One walk a thread, in the order of `frozen.threads`; empty for those without registers.
  mutating func walk(isSkipped: Bool, isPastDeadline: () -> Bool) -> [Walk] {
    let unwinder = Unwinder(
      memory: frozen.memory, images: images, mappings: frozen.mappings)
    let limits = isSkipped ? WalkLimits(head: 1, tail: 0, total: 1) : WalkLimits(head: 256, tail: 64)
    return frozen.threads.map { thread in
      guard let registers = thread.registers else {
        var walk = Walk()
        walk.end = .unreadableMemory
        return walk
      }
      return unwinder.walk(from: registers, limits: limits, isPastDeadline: isPastDeadline)
    }
  }

  func record(_ index: Int, walk: Walk, builder: FrameBuilder) -> ThreadRecord {
    let thread = frozen.threads[index]
    let isCrashed = index == crashed
    let split = isCrashed ? builder.fault(in: walk) : 0
    let stacks = stackFinder(index, walk: walk)
    let story = walk.steps[split...]
    let stack = story.first.flatMap { stacks.stack(at: $0.sp) }
    var record = ThreadRecord(
      id: Int(thread.id), name: thread.name, crashed: isCrashed,
      frames: story.map { builder.frame($0, stacks: stacks, home: stack?.kind) },
      frameCount: walk.count, complete: walk.end == .outermost, endReason: walk.end.reason)
    record.state = ProcessStatus.name(ofState: thread.state)
    record.stack = stack
    let registers = registersAtFault(index, walk: walk, split: split)
    record.registers = registers.map { set in
      Registers(set.named.map { Registers.Entry(name: $0.name, value: HexNumber($0.value)) })
    }
    if split > 0 {
      record.handlerFrames = walk.steps[..<split].map {
        builder.frame($0, stacks: stacks, home: stack?.kind)
      }
    }
    return record
  }

  /// Those that the signal frame saved; else those of the moment.
  private func registersAtFault(_ index: Int, walk: Walk, split: Int) -> RegisterSet? {
    if split > 0, let signal = walk.signals.first, signal.step + 1 == split {
      return signal.registers
    }
    return frozen.threads[index].registers
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
    guard let index = crashed else { return facts }
    facts.threadID = Int(frozen.threads[index].id)
    let walk = walks[index]
    let stacks = stackFinder(index, walk: walk)
    if let context = walk.signals.first {
      var found = CrashFacts.Signal(
        number: Int(context.number), code: Int(context.code), address: context.address)
      found.senderPID = Int(context.senderPID)
      found.senderUID = Int(context.senderUID)
      found.errorCode = context.errorCode
      found.trapNumber = context.trapNumber
      facts.found = found
      let sigsegv: Int32 = 11
      facts.isAtStackEnd =
        context.number == sigsegv && context.code > 0 && context.code != 128
        && stacks.isAtStackEnd(
          fault: context.address, stackPointer: context.registers.stackPointer)
    }
    facts.isStackKnown = walk.count > 1
    let story = walk.steps[builder.fault(in: walk)...]
    facts.isInManagedCode = story.first.map { isManaged($0) } ?? false
    // abort, raise and what they are made of: the one who called them comes right after.
    let names = story.prefix(6).map { builder.symbols[$0.lookupAddress]?.name }
    if names.contains(where: { $0 != nil }) { facts.calledAbort = names.contains("abort") }
    let caller = names.firstIndex(of: "abort").map { story.dropFirst($0 + 1) }
    facts.place = place(caller ?? story, stacks: stacks, builder: builder)
    return facts
  }

  private func isManaged(_ step: Walk.Step) -> Bool {
    guard runtime != nil else { return false }
    return images.containing(step.lookupAddress).map(ManagedRuntime.holdsManagedCode) ?? false
  }

  /// The innermost frame in words: `crash_write (libcrash.so)`.
  private func place(
    _ steps: ArraySlice<Walk.Step>, stacks: StackFinder, builder: FrameBuilder
  ) -> String? {
    guard let step = steps.first else { return nil }
    let frame = builder.frame(step, stacks: stacks, home: nil)
    guard let module = frame.module else { return frame.function }
    let image = images.images[module]
    if frame.kind == .managed, frame.function == nil { return "managed code" }
    let file = image.path.split(separator: "/").last.map(String.init) ?? image.path
    if let function = frame.function { return "\(function) (\(file))" }
    return frame.moduleOffset.map { "\(file)+\($0)" }
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
    buildID = image.buildID.map(Self.hex)
    if image.isDeleted { deleted = true }
  }

  private static func hex(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(
      decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}

extension MapRecord {
  init(_ mapping: Mapping, fault: UInt64?) {
    self.init(
      start: HexNumber(mapping.start), end: HexNumber(mapping.end),
      permissions: mapping.permissions, offset: HexNumber(mapping.offset),
      path: mapping.path.isEmpty ? nil : mapping.path,
      fault: fault.map(mapping.contains) == true ? true : nil)
  }
}
