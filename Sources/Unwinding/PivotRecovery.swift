public import Memory

/// Finds the signal frame of a handler that has left its stack.
///
/// CoreCLR's SIGSEGV handler starts on the alternate signal stack and changes from there to the stack that
/// faulted, or, after a stack overflow, to one that it keeps for that purpose (origins.md, 2). The walk
/// then goes from the runtime's handler straight to the faulting function, with a made-up stack pointer
/// and no signal frame. But the kernel's frame is still on the alternate stack, with every register and
/// the siginfo: it is found by the one thing that the walk does know, where the thread was interrupted.
enum PivotRecovery {
  /// An alternate stack is small (CoreCLR's has 12 KiB), and a guard lies below it.
  private static let largestStack: UInt64 = 256 << 10
  /// Frames among which the interrupted one is looked for.
  private static let reach = 48
  /// More alternate stacks than that are not searched: one a thread, a few microseconds each.
  private static let maximumStacks = 4096

  /// - Returns: what the signal frame saved, `step` being the position of the last handler frame; nil
  ///   when the walk has signal frames of its own, or none can be found.
  static func find(
    _ walk: Walk, memory: any MemorySource, mappings: MappingTable
  ) -> SignalContext? {
    guard walk.signals.isEmpty else { return nil }
    // Frame 0 is where the thread is now: it cannot be what a handler interrupted.
    let positions = Dictionary(
      walk.steps.prefix(reach).enumerated().dropFirst().map { ($1.ip, $0) },
      uniquingKeysWith: { first, _ in first })
    guard !positions.isEmpty else { return nil }
    var searched = 0
    for (index, mapping) in mappings.mappings.enumerated().dropFirst() {
      let guardPage = mappings.mappings[index - 1]
      guard mapping.path.isEmpty, mapping.isWritable,
        mapping.end - mapping.start <= largestStack, guardPage.end == mapping.start,
        guardPage.permissions.hasPrefix("---")
      else { continue }
      searched += 1
      if searched > maximumStacks { return nil }
      if let found = search(mapping, positions, memory) { return found }
    }
    return nil
  }

  private static func search(
    _ mapping: Mapping, _ positions: [UInt64: Int], _ memory: any MemorySource
  ) -> SignalContext? {
    let bytes = memory.prefix(at: mapping.start, atMost: Int(mapping.end - mapping.start))
    let offset = FramePolicy.savedInstructionPointerOffset
    return bytes.withUnsafeBytes { raw in
      for at in stride(from: offset, to: raw.count - 7, by: 8) {
        let word = raw.loadUnaligned(fromByteOffset: at, as: UInt64.self)
        guard let position = positions[word],
          var context = FramePolicy.signalContext(
            mapping.start + UInt64(at - offset), memory: memory),
          // The kernel notes the alternate stack in the frame that it puts there.
          let stack = context.alternateStack, stack.upperBound == mapping.end,
          stack.lowerBound <= mapping.start, (1...64).contains(context.number)
        else { continue }
        context.step = position - 1
        return context
      }
      return nil
    }
  }
}

extension Unwinder {
  /// Walks like ``walk(from:limits:isPastDeadline:)``, and where a signal handler has changed stacks goes
  /// on with the registers that the kernel saved.
  public func walkAcrossPivot(
    from registers: RegisterSet, limits: WalkLimits, isPastDeadline: () -> Bool
  ) -> Walk {
    let outer = walk(from: registers, limits: limits, isPastDeadline: isPastDeadline)
    guard let context = PivotRecovery.find(outer, memory: memory, mappings: mappings) else {
      return outer
    }
    space.forgetRules()
    var inner = walk(from: context.registers, limits: limits, isPastDeadline: isPastDeadline)
    let handler = context.step + 1
    inner.steps.insert(contentsOf: outer.steps[..<handler], at: 0)
    inner.count += handler
    inner.repeated?.step += handler
    for index in inner.signals.indices { inner.signals[index].step += handler }
    inner.signals.insert(context, at: 0)
    return inner
  }
}
