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
    case survives, signal
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

  public init(number: Int, name: String) {
    self.number = number
    self.name = name
  }

  enum CodingKeys: String, CodingKey {
    case number, name, code
    case codeName = "code_name"
    case address, origin, sender, access
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
