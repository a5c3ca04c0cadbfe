import Report

/// A stack was used up: which one, how it ended, and who filled it.
enum StackOverflowRule {
  static func diagnose(_ scene: CrashScene) -> Diagnosis? {
    guard scene.crash.kind == .stackOverflow else { return nil }
    var evidence = scene.evidence(
      CrashScene.stack,
      scene.stackPointer.map { _ in pointerToStackPointer(scene) })
    let stack = scene.thread?.stack
    var summary = "Stack overflow"
    if let stack { summary += " of \(words(stack.kind)), \(size(stack))" }
    if let ending = ending(scene, &evidence) {
      summary += "; \(ending)"
      evidence.insert(CrashScene.address, at: 0)
    }
    let isRecursion = scene.thread?.frames.contains { $0.repeated != nil } == true
    let cause = recursion(scene, &evidence) ?? largeFrame(scene, &evidence)
    if let cause { summary += "; \(cause)" }
    return Diagnosis(
      rule: "stack_overflow", summary: summary, detail: remedy(stack?.kind, isRecursion),
      confidence: scene.faultAddress == nil && cause == nil ? .medium : .high, evidence: evidence)
  }

  static func words(_ kind: StackRecord.Kind) -> String {
    switch kind {
    case .main: "the main thread's stack"
    case .thread: "a thread's stack"
    case .alternate: "the alternate signal stack"
    default: "a stack of the program's own (a coroutine's or fibre's)"
    }
  }

  private static func size(_ stack: StackRecord) -> String {
    "\(Amount.bytes(stack.end.value - min(stack.start.value, stack.end.value))) "
      + "(\(stack.start) to \(stack.end))"
  }

  /// How the end was noticed. Only the guard page is sure to be there for it.
  private static func ending(_ scene: CrashScene, _ evidence: inout [String]) -> String? {
    guard let address = scene.faultAddress, let stack = scene.thread?.stack,
      // Else it is the address at which a handler of the overflow died.
      address < stack.end.value,
      address >= stack.start.value - min(stack.start.value, largestFrame)
    else { return nil }
    if let pages = stack.guardPages, pages.start.value <= address, address < pages.end.value {
      evidence.append(CrashScene.stack + "/guard")
      return "its guard page was hit at \(HexNumber(address))"
    }
    if stack.start.value <= address, address < stack.end.value {
      return "a guard that the memory map does not show was hit at \(HexNumber(address))"
    }
    if let pages = stack.guardPages, address < pages.start.value {
      evidence.append(CrashScene.stack + "/guard")
      return "a large frame jumped over its guard page and hit \(HexNumber(address))"
    }
    if stack.kind == .main, let limit = scene.process.limits?.stackBytes {
      evidence.append("/process/limits/stack_bytes")
      return "it may not grow beyond \(Amount.bytes(UInt64(limit))) (RLIMIT_STACK)"
    }
    return "\(HexNumber(address)) is below its end"
  }

  /// Bytes.
  private static let largestFrame: UInt64 = 1 << 30

  private static func recursion(_ scene: CrashScene, _ evidence: inout [String]) -> String? {
    guard let frames = scene.thread?.frames,
      let start = frames.firstIndex(where: { $0.repeated != nil }),
      let fold = frames[start].repeated
    else { return nil }
    evidence.append(CrashScene.frame(start))
    let round = frames[start...].prefix(fold.frames).filter { $0.kind != .inlined }
    let names = round.compactMap { scene.words($0) }
    guard let first = names.first else { return "\(fold.times) rounds of recursion" }
    if names.count == 1 { return "\(first) called itself \(fold.times) times" }
    return "\(fold.times) rounds of " + names.reversed().joined(separator: " → ")
  }

  /// Without recursion it takes large frames: the largest of the innermost ones.
  private static func largeFrame(_ scene: CrashScene, _ evidence: inout [String]) -> String? {
    guard let frames = scene.thread?.frames.filter({ $0.kind != .inlined }), frames.count > 1 else {
      return nil
    }
    var largest: (index: Int, size: UInt64) = (0, 0)
    for index in frames.indices.dropLast() where frames[index + 1].sp.value > frames[index].sp.value
    {
      let size = frames[index + 1].sp.value - frames[index].sp.value
      if size > largest.size { largest = (index, size) }
    }
    guard largest.size >= 64 << 10, let name = scene.words(frames[largest.index]) else {
      return nil
    }
    if let index = scene.thread?.frames.firstIndex(of: frames[largest.index]) {
      evidence.append(CrashScene.frame(index))
    }
    return "\(name) alone takes \(Amount.bytes(largest.size))"
  }

  private static func remedy(_ kind: StackRecord.Kind?, _ isRecursion: Bool) -> String {
    let first = isRecursion ? "end the recursion" : "put large arrays elsewhere"
    return switch kind {
    case .main: "\(first); ulimit -s sets how large the main stack may grow"
    case .thread: "\(first), or give the thread a larger stack (pthread_attr_setstacksize)"
    case .custom: "\(first), or give such stacks more room"
    default: first
    }
  }

  private static func pointerToStackPointer(_ scene: CrashScene) -> String {
    CrashScene.register(scene.register(StackRegister.names)?.name ?? "sp")
  }
}
