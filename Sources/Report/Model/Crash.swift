/// What happened, in one sentence and in the kernel's own words.
public struct Crash: Codable, Sendable {
  /// What sort of death it was. Open: a reader accepts kinds that it does not know.
  public struct Kind: OpenEnum {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    /// An unhandled .NET exception.
    public static let managedException: Kind = "managed_exception"
    /// Any stack, native or managed.
    public static let stackOverflow: Kind = "stack_overflow"
    /// `Environment.FailFast`.
    public static let failFast: Kind = "fail_fast"
    /// A fault raised by the kernel in native code.
    public static let nativeFault: Kind = "native_fault"
    /// `abort()`, a failed assertion, or the runtime ending its own process.
    public static let abort: Kind = "abort"
    /// A signal sent by kill, tgkill, raise or sigqueue.
    public static let raisedSignal: Kind = "raised_signal"
    /// The process was gone, or nobody could look at it, before anything was known.
    public static let unknown: Kind = "unknown"
    /// No crash: a report of a live process.
    public static let none: Kind = "none"
  }

  public var kind: Kind
  /// One sentence that a person can act on.
  public var summary: String
  /// The kernel's id of the thread that crashed.
  public var threadID: Int?
  /// True where the process is known to go on after this signal.
  public var survives: Bool?
  public var signal: SignalRecord?
  /// What libc left to be read after an abort: a failed assertion, a corrupted heap (`__abort_msg`).
  public var message: String?
  /// The C++ exception that nobody caught.
  public var thrown: Thrown?
  /// What was being executed; nil where there is no code, or where no instruction is to blame.
  public var instruction: InstructionRecord?

  public init(
    kind: Kind, summary: String, threadID: Int? = nil, survives: Bool? = nil,
    signal: SignalRecord? = nil
  ) {
    self.kind = kind
    self.summary = summary
    self.threadID = threadID
    self.survives = survives
    self.signal = signal
  }

  enum CodingKeys: String, CodingKey {
    case kind, summary
    case threadID = "thread_id"
    case survives, signal, message, thrown, instruction
  }
}

/// A signal as sigaction(2) describes it.
public struct SignalRecord: Codable, Sendable, Equatable {
  public struct Origin: OpenEnum {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    /// A fault, or anything else that the kernel raised by itself.
    public static let kernel: Origin = "kernel"
    /// Sent by a process: kill, tgkill, sigqueue, raise.
    public static let user: Origin = "user"
  }

  public struct Access: OpenEnum {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    public static let read: Access = "read"
    public static let write: Access = "write"
    public static let execute: Access = "execute"
  }

  public struct Sender: Codable, Sendable, Equatable {
    public var pid: Int
    public var uid: Int
    /// Its name, where it was still alive.
    public var name: String?
    /// Its command line in one string, secrets replaced.
    public var command: String?
    public init(pid: Int, uid: Int) {
      self.pid = pid
      self.uid = uid
    }
  }

  public var number: Int
  /// `SIGSEGV` and so on.
  public var name: String
  /// si_code; absent where nobody told.
  public var code: Int?
  /// `SEGV_MAPERR` and so on.
  public var codeName: String?
  /// si_addr; only for faults, because a sent signal keeps its sender in the same place.
  public var address: HexNumber?
  public var origin: Origin?
  public var sender: Sender?
  public var access: Access?
  /// x86-64: the processor's exception number and its error code (Intel SDM, 6.15).
  public var trapNumber: Int?
  public var errorCode: HexNumber?
  /// Of SIGSYS: what was refused.
  public var systemCall: SystemCall?

  public struct SystemCall: Codable, Sendable, Equatable {
    public var number: Int
    public var name: String?
    public init(number: Int, name: String?) {
      self.number = number
      self.name = name
    }
  }

  public init(number: Int, name: String) {
    self.number = number
    self.name = name
  }

  enum CodingKeys: String, CodingKey {
    case number, name, code
    case codeName = "code_name"
    case address, origin, sender, access
    case trapNumber = "trap_number"
    case errorCode = "error_code"
    case systemCall = "system_call"
  }
}

/// A C++ exception that led to std::terminate.
public struct Thrown: Codable, Sendable, Equatable {
  /// As a developer says it.
  public var type: String
  /// What `what()` would have said, where it can be told from memory.
  public var message: String?

  public init(type: String, message: String? = nil) {
    self.type = type
    self.message = message
  }
}

/// The instruction at the fault.
public struct InstructionRecord: Codable, Sendable, Equatable {
  /// An operand in memory.
  public struct Operand: Codable, Sendable, Equatable {
    /// Registers by name.
    public var base: String?
    public var index: String?
    public var scale: Int?
    /// Bytes, signed.
    public var displacement: Int?
    /// Bytes that are accessed.
    public var size: Int?
    /// `read`, `write`, or `read_write`.
    public var access: String?
    /// What the registers make of it.
    public var address: HexNumber?

    public init() {}
  }

  public var address: HexNumber
  /// Bare hex, of this instruction where its length is known.
  public var bytes: String
  /// As a disassembler writes it, in Intel's syntax.
  public var text: String?
  public var operands: [Operand]?

  public init(address: HexNumber, bytes: String) {
    self.address = address
    self.bytes = bytes
  }
}

/// A .NET exception and those inside it.
public struct ManagedException: Codable, Sendable {
  public var type: String
  public var message: String
  public var hresult: HResult
  public var frames: [Frame]
  public var inner: [ManagedException]

  public init(
    type: String, message: String, hresult: HResult, frames: [Frame], inner: [ManagedException]
  ) {
    self.type = type
    self.message = message
    self.hresult = hresult
    self.frames = frames
    self.inner = inner
  }

  enum CodingKeys: String, CodingKey {
    case type, message, hresult, frames, inner
  }
}

/// A verdict, what it rests on, and how sure it is.
public struct Diagnosis: Codable, Sendable, Equatable {
  public struct Confidence: OpenEnum {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    public static let high: Confidence = "high"
    public static let medium: Confidence = "medium"
    public static let low: Confidence = "low"
  }

  public var rule: String
  public var summary: String
  public var detail: String?
  public var confidence: Confidence
  /// JSON pointers (RFC 6901) into this report.
  public var evidence: [String]

  public init(
    rule: String, summary: String, detail: String? = nil, confidence: Confidence, evidence: [String]
  ) {
    self.rule = rule
    self.summary = summary
    self.detail = detail
    self.confidence = confidence
    self.evidence = evidence
  }
}

/// What makes two crashes the same crash.
public struct Signature: Codable, Sendable, Equatable {
  /// The name and version of the rule that made `hash`.
  public var algorithm: String
  public var hash: String
  /// The names that went into the hash, innermost first.
  public var frames: [String]

  public init(algorithm: String, hash: String, frames: [String]) {
    self.algorithm = algorithm
    self.hash = hash
    self.frames = frames
  }
}
