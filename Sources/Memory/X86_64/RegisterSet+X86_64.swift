#if arch(x86_64)
  /// The general registers of a thread, in the order of the kernel's `user_regs_struct`
  /// (sys/user.h), which is what PTRACE_GETREGSET with NT_PRSTATUS fills in.
  public struct RegisterSet: Sendable, Equatable, BitwiseCopyable {
    public var r15: UInt64 = 0
    public var r14: UInt64 = 0
    public var r13: UInt64 = 0
    public var r12: UInt64 = 0
    public var rbp: UInt64 = 0
    public var rbx: UInt64 = 0
    public var r11: UInt64 = 0
    public var r10: UInt64 = 0
    public var r9: UInt64 = 0
    public var r8: UInt64 = 0
    public var rax: UInt64 = 0
    public var rcx: UInt64 = 0
    public var rdx: UInt64 = 0
    public var rsi: UInt64 = 0
    public var rdi: UInt64 = 0
    public var originalRAX: UInt64 = 0
    public var rip: UInt64 = 0
    public var cs: UInt64 = 0
    public var rflags: UInt64 = 0
    public var rsp: UInt64 = 0
    public var ss: UInt64 = 0
    public var fsBase: UInt64 = 0
    public var gsBase: UInt64 = 0
    public var ds: UInt64 = 0
    public var es: UInt64 = 0
    public var fs: UInt64 = 0
    public var gs: UInt64 = 0

    public init() {}
  }

  extension RegisterSet {
    public var instructionPointer: UInt64 {
      get { rip }
      set { rip = newValue }
    }

    public var stackPointer: UInt64 {
      get { rsp }
      set { rsp = newValue }
    }

    public var framePointer: UInt64 {
      get { rbp }
      set { rbp = newValue }
    }

    /// Where thread-local storage lies: inside the thread's own stack mapping, for every thread but
    /// the main one, with glibc and with musl.
    public var threadPointer: UInt64 { fsBase }

    /// The number of the system call that the thread is blocked in, or nil. `orig_rax` is -1 outside
    /// system calls.
    public var systemCall: Int? {
      let number = Int64(bitPattern: originalRAX)
      return number >= 0 ? Int(number) : nil
    }

    /// What addresses in a segment are relative to; nil for other registers' names. In 64-bit mode only two
    /// have a base (Intel SDM, volume 1, 3.4.2.1).
    public func segmentBase(_ name: String) -> UInt64? {
      switch name {
      case "fs": fsBase
      case "gs": gsBase
      case "cs", "ds", "es", "ss": 0
      default: nil
      }
    }

    /// These registers, with the bases that a signal frame does not save: no handler changes them.
    public func withBases(of other: RegisterSet) -> RegisterSet {
      var registers = self
      (registers.fsBase, registers.gsBase) = (other.fsBase, other.gsBase)
      return registers
    }

    /// Every general register by its usual name, in the order in which debuggers print them.
    public var named: [(name: String, value: UInt64)] {
      [
        ("rax", rax), ("rbx", rbx), ("rcx", rcx), ("rdx", rdx), ("rsi", rsi), ("rdi", rdi),
        ("rbp", rbp), ("rsp", rsp), ("r8", r8), ("r9", r9), ("r10", r10), ("r11", r11),
        ("r12", r12), ("r13", r13), ("r14", r14), ("r15", r15), ("rip", rip), ("rflags", rflags),
      ]
    }

    public static let instructionPointerName = "rip"
    public static let stackPointerName = "rsp"

    /// False for the names of registers that never hold an address of data.
    public static func isGeneral(_ name: String) -> Bool {
      ![instructionPointerName, "rflags", stackPointerName].contains(name)
    }

    /// `wait4` on this architecture.
    public static let waitSystemCall = 61
  }
#endif
