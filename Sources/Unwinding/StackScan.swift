import Memory

/// The last resort: looks for a return address among the words of a stack.
struct StackScan {
  let space: AddressSpace
  /// Where functions begin, as far as calls that were met on the stack tell.
  private var functions: Set<UInt64> = []
  /// A bound on what a hostile stack can make us keep.
  private static let maximumFunctions = 4096

  init(space: AddressSpace) {
    self.space = space
  }

  /// The caller's frame: the nearest return address whose call leads to the function where `registers` stand;
  /// else the nearest one into code that has unwind information, or into a file that has none at all
  /// (musl-gcc links such) when the call before it is one to a fixed address. Nil if there is neither.
  ///
  /// Buffers that nobody has filled hold what other calls have left there; hence the first rule.
  ///
  /// - Parameters:
  ///   - registers: those of a frame, whose instruction pointer may be a return address.
  ///   - lookup: an address inside the frame's function: a call may be its last instruction.
  ///   - words: how many to look at.
  mutating func caller(of registers: RegisterSet, lookup: UInt64, words: Int) -> RegisterSet? {
    caller(of: registers, lookup: lookup, words: words, isProven: false)
  }

  /// The same by the first rule alone, for a frame pointer's word against it.
  ///
  /// Code without unwind information may keep anything in that register, an address on the stack among them,
  /// with what an earlier call has left there (musl's abort on its way to raise).
  mutating func proven(
    callerOf registers: RegisterSet, lookup: UInt64, words: Int, against other: RegisterSet
  ) -> RegisterSet? {
    guard
      let target = FramePolicy.callTarget(
        before: other.instructionPointer, memory: space.memory),
      let here = space.mappings.index(containing: lookup),
      // A call to another library goes through a table, and says nothing.
      space.mappings.index(containing: target) == here, target != lookup,
      let found = caller(of: registers, lookup: lookup, words: words, isProven: true),
      let function = start(of: lookup), target > lookup || target < function
    else { return nil }
    return found
  }

  private mutating func caller(
    of registers: RegisterSet, lookup: UInt64, words: Int, isProven: Bool
  ) -> RegisterSet? {
    if lookup != registers.instructionPointer { note(callBefore: registers.instructionPointer) }
    var candidates: [(position: UInt64, address: UInt64, target: UInt64?)] = []
    for index in 0..<words {
      let position = registers.stackPointer &+ UInt64(index * 8)
      guard let address = space.memory.load(UInt64.self, at: position) else { break }
      guard space.isCode(address), FramePolicy.followsCall(address, memory: space.memory) else {
        continue
      }
      candidates.append((position, address, note(callBefore: address)))
    }
    let function = start(of: lookup)
    var found = candidates.first { $0.target != nil && $0.target == function }
    if found == nil, !isProven {
      found = candidates.first {
        space.hasUnwindInfo($0.address &- 1) || space.hasNoTable($0.address) && $0.target != nil
      }
    }
    guard let found else { return nil }
    var next = registers
    next.instructionPointer = found.address
    next.stackPointer = found.position &+ 8
    return next
  }

  /// Where the call before `address` goes, if it is one to a fixed address of code.
  @discardableResult private mutating func note(callBefore address: UInt64) -> UInt64? {
    guard let target = FramePolicy.callTarget(before: address, memory: space.memory),
      space.isCode(target)
    else { return nil }
    if functions.count < Self.maximumFunctions { functions.insert(target) }
    return target
  }

  /// The nearest beginning of a function below `address`; nil where none is near.
  private func start(of address: UInt64) -> UInt64? {
    functions.lazy.filter { $0 <= address && address - $0 < FramePolicy.functionSize }.max()
  }
}
