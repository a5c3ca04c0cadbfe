public import Report

/// What is known about a signal, from whichever source told it. Plain values: no process is needed.
public struct CrashFacts: Sendable {
  /// A signal as createdump's arguments or a signal frame tell it.
  public struct Signal: Sendable, Equatable {
    public var number: Int
    /// si_code, where it was told.
    public var code: Int?
    /// si_addr, where it was told; meaningless for sent signals.
    public var address: UInt64?
    public var senderPID: Int?
    public var senderUID: Int?
    /// The page-fault error code and the trap number (x86-64), from a signal frame only.
    public var errorCode: UInt64?
    public var trapNumber: UInt64?

    public init(number: Int, code: Int? = nil, address: UInt64? = nil) {
      self.number = number
      self.code = code
      self.address = address
    }
  }

  public var pid: Int
  public var threadID: Int?
  /// From createdump's arguments: .NET 6 and later.
  public var announced: Signal?
  /// From the signal frame on the crashed thread's stack.
  public var found: Signal?
  /// The fault whose handler, the program's own, has sent the signal that ends it.
  public var faultBehind: Signal?
  /// True for the init of a PID namespace, and the pid that it has there where that is not ours.
  public var isNamespaceInit = false
  public var namespacePID: Int?
  /// `.NET 8.0.4`, when the process has such a runtime.
  public var runtime: String?
  /// Where it happened, in words: `crash_write (libcrash.so)`.
  public var place: String?
  /// True when the crashed thread's stack was walked: a signal frame would have been found.
  public var isStackKnown = false
  /// True when the innermost frame is managed code.
  public var isInManagedCode = false
  /// Whether abort() is what raised the signal; nil when the frames have no names to tell by.
  public var calledAbort: Bool?
  /// True when the runtime's handler of the first fault has faulted itself: the signal that was announced
  /// is then the second one.
  public var handlerFaulted = false
  /// True when the fault is at the end of the stack that the thread was on.
  public var isAtStackEnd = false

  /// The exception that the crashed thread was dealing with, from the runtime itself.
  public var exception: ManagedException?
  /// Set when the crashed thread was in Environment.FailFast.
  public var failFast: FailFast?

  /// The managed frame that called the native code in which it happened, in words.
  public var caller: String?
  /// The crashed thread's innermost frames, from the fault on.
  public var frames: [Frame] = []
  public var recursion: Recursion?

  /// Functions that call each other in turn.
  public struct Recursion: Sendable {
    /// Innermost first.
    public var functions: [String]
    /// How often all of them are on the stack.
    public var times: Int

    public init(functions: [String], times: Int) {
      self.functions = functions
      self.times = times
    }
  }

  /// A call of Environment.FailFast.
  public struct FailFast: Sendable {
    /// What it was told to say; nil where that could not be read.
    public var message: String?
    /// The frames from FailFast's caller on.
    public var frames: [Frame]

    public init(message: String?, frames: [Frame]) {
      self.message = message
      self.frames = frames
    }
  }

  public init(pid: Int) {
    self.pid = pid
  }
}

extension CrashFacts {
  /// True for a fault that the runtime made an exception of, which nobody caught: it says so by ending
  /// the process as it ends it for any exception. 3.1 says nothing, but knows how to do it in managed
  /// code only.
  var becameException: Bool {
    guard runtime != nil, failFast == nil, let found, let code = found.code, code > 0
    else { return false }
    return announced.map { $0.code == nil && $0.number != found.number } ?? isInManagedCode
  }

  /// True when it was the runtime that ended the process, and not a fault or a signal.
  var endedByRuntime: Bool {
    guard runtime != nil else { return false }
    guard let signal else { return isStackKnown }
    return signal.code == nil && signal.number == 6
  }

  /// An overflow in managed code: the fault itself, or the exception that the runtime keeps for it.
  var isManagedOverflow: Bool {
    exception?.type == ExceptionWords.overflowException && (endedByRuntime || becameException)
  }

  /// The signal that matters, the announced one completed by what the stack says.
  ///
  /// A runtime that ends its own process announces SIGABRT with no code: then a signal frame that tells
  /// of a fault is the cause, and the abort its consequence.
  var signal: Signal? {
    if let faultBehind { return faultBehind }
    guard var signal = announced else { return found }
    guard let found else { return signal }
    if found.number == signal.number {
      signal.code = signal.code ?? found.code
      signal.address = signal.address ?? found.address
      signal.senderPID = found.senderPID
      signal.senderUID = found.senderUID
      signal.errorCode = found.errorCode
      signal.trapNumber = found.trapNumber
      return signal
    }
    // Who has called FailFast was not ended by a fault, whatever else is on the stack.
    return signal.code == nil && failFast == nil && SignalNames.isFault(found.number)
      ? found : signal
  }
}
