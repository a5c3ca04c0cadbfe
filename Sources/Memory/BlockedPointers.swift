/// The two registers that the kernel shows of a thread in a system call without stopping it
/// (proc_pid_syscall(5)).
public struct BlockedPointers: Sendable, Equatable {
  public var stackPointer: UInt64
  public var instructionPointer: UInt64

  public init(stackPointer: UInt64, instructionPointer: UInt64) {
    self.stackPointer = stackPointer
    self.instructionPointer = instructionPointer
  }
}

extension RegisterSet {
  /// A value that no register of use to unwinding has: not 0, which as a frame pointer or a return
  /// address would mean the outermost frame, and no address of anything.
  public static let unknown: UInt64 = 1

  /// A thread of which only those two are known: every other register is ``unknown``.
  public init(blockedAt pointers: BlockedPointers) {
    self.init(filledWith: Self.unknown)
    stackPointer = pointers.stackPointer
    instructionPointer = pointers.instructionPointer
  }

  private init(filledWith value: UInt64) {
    self.init()
    withUnsafeMutableBytes(of: &self) { bytes in
      for offset in stride(from: 0, to: bytes.count, by: MemoryLayout<UInt64>.size) {
        bytes.storeBytes(of: value, toByteOffset: offset, as: UInt64.self)
      }
    }
  }
}
