#if arch(arm64)
  /// The general registers of a thread, in the order of the kernel's `user_pt_regs`
  /// (asm/ptrace.h), which is what PTRACE_GETREGSET with NT_PRSTATUS fills in. Compiled, never run.
  public struct RegisterSet: Sendable, Equatable, BitwiseCopyable {
    public var x: InlineArray<31, UInt64> = .init(repeating: 0)
    public var sp: UInt64 = 0
    public var pc: UInt64 = 0
    public var pstate: UInt64 = 0

    public init() {}

    public static func == (left: RegisterSet, right: RegisterSet) -> Bool {
      left.x.indices.allSatisfy { left.x[$0] == right.x[$0] }
        && left.sp == right.sp && left.pc == right.pc && left.pstate == right.pstate
    }
  }

  extension RegisterSet {
    public var instructionPointer: UInt64 {
      get { pc }
      set { pc = newValue }
    }

    public var stackPointer: UInt64 {
      get { sp }
      set { sp = newValue }
    }

    public var framePointer: UInt64 {
      get { x[29] }
      set { x[29] = newValue }
    }

    /// TPIDR_EL0 is a register set of its own (NT_ARM_TLS), which nothing reads yet.
    public var threadPointer: UInt64 { 0 }

    /// NT_PRSTATUS keeps no original x8: only that the thread is in a system call could be guessed.
    public var systemCall: Int? { Int(exactly: x[8]) }

    /// There are no segments.
    public func segmentBase(_ name: String) -> UInt64? { nil }

    public func withBases(of other: RegisterSet) -> RegisterSet { self }

    public var named: [(name: String, value: UInt64)] {
      (0..<31).map { ("x\($0)", x[$0]) } + [("sp", sp), ("pc", pc), ("pstate", pstate)]
    }

    public static let instructionPointerName = "pc"
    public static let stackPointerName = "sp"

    /// False for the names of registers that never hold an address of data.
    public static func isGeneral(_ name: String) -> Bool {
      ![instructionPointerName, "pstate", stackPointerName].contains(name)
    }

    /// `wait4` on this architecture.
    public static let waitSystemCall = 260
  }
#endif
