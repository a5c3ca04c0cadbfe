public import Memory

/// The frames of one stack, innermost first, and why the walk ended.
public struct Walk: Sendable {
  /// How a frame was found, best first. See the report's `trust`.
  public enum Trust: Sendable {
    case context, cfi, framePointer, scan
    /// By the unwind information of code that a runtime in the process compiled.
    case runtime
  }

  public enum End: Sendable {
    /// The outermost frame: its return address is undefined, or its frame pointer is 0.
    case outermost
    case frameLimit
    case unreadableMemory
    /// The stack stopped growing towards its base: a loop, or corruption.
    case noProgress
    case noUnwindInformation
    case deadline
  }

  public struct Step: Sendable {
    /// A return address, unless `isInterrupted`.
    public var ip: UInt64
    public var sp: UInt64
    public var trust: Trust
    /// True when `ip` follows no call, so that ip-1 must not be used for look-ups: it is where the thread was
    /// interrupted, the trampoline of a signal, or a function's beginning that was made the end of a stack.
    public var isInterrupted: Bool
    /// True for the trampoline through which a signal handler returns.
    public var isSignalTrampoline: Bool

    /// The address that lies inside the calling instruction: for names, lines and unwind tables.
    public var lookupAddress: UInt64 { isInterrupted ? ip : ip &- 1 }
  }

  /// `period` frames that come `times` times in a row, of which the steps have only the first round.
  public struct Repeat: Sendable, Equatable {
    /// Position in ``Walk/steps`` of the first of them.
    public var step: Int
    public var period: Int
    public var times: Int
  }

  /// At most ``WalkLimits/head`` frames from the innermost on, and the last ``WalkLimits/tail`` ones, the
  /// longest repetition folded.
  public var steps: [Step] = []
  public var repeated: Repeat?
  /// How many frames are neither in `steps` nor part of `repeated`.
  public var omitted = 0
  /// How many frames there are in all.
  public var count = 0
  public var end = End.noUnwindInformation
  /// What the signal frames on the way had saved, innermost first.
  public var signals: [SignalContext] = []

  /// A walk of nothing: a thread whose registers are unknown.
  public init() {}
}

/// How far a walk may go.
public struct WalkLimits: Sendable {
  /// Frames kept from the innermost on.
  public var head: Int
  /// Frames kept before the outermost.
  public var tail: Int
  /// Frames walked in all.
  public var total: Int

  public init(head: Int = 512, tail: Int = 64, total: Int = 2_000_000) {
    self.head = head
    self.tail = tail
    self.total = total
  }
}

/// What a signal frame on a stack had saved about the interruption.
public struct SignalContext: Sendable, Equatable {
  /// Position of the trampoline among the walk's steps: the interrupted frame comes right after it.
  public var step: Int
  public var registers: RegisterSet
  /// 0 when only the registers are known: the handler that was moved here faulted itself, and the kernel
  /// put the second signal's frame over the first one's.
  public var number: Int32
  public var code: Int32
  public var errno: Int32
  /// For faults the address; meaningless otherwise.
  public var address: UInt64
  /// For sent signals.
  public var senderPID: Int32
  public var senderUID: UInt32
  /// The processor's error code and trap number (x86-64); nil where there is no such thing.
  public var errorCode: UInt64?
  public var trapNumber: UInt64?
  /// Of SIGSYS.
  public var systemCall: SystemCall?
  /// The alternate stack that was set: its lowest address and size in bytes; nil when there was none.
  public var alternateStack: Range<UInt64>?
  /// The signals that were blocked before this one came, a bit each, that of signal 1 first (uc_sigmask).
  public var blocked: UInt64 = 0
  /// The last page fault's address, which may be an older signal's: cr2, or arm64's fault_address.
  public var pageFaultAddress: UInt64 = 0

  /// A system call that was refused (sigaction(2), SIGSYS).
  public struct SystemCall: Sendable, Equatable {
    public var number: Int32
    /// Whose numbers these are: AUDIT_ARCH_* of linux/audit.h.
    public var architecture: UInt32

    public init(number: Int32, architecture: UInt32) {
      self.number = number
      self.architecture = architecture
    }
  }
}
