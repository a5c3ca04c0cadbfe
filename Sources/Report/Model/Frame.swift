/// One activation of a function on a stack.
public struct Frame: Codable, Sendable, Equatable {
  public struct Kind: OpenEnum {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    public static let native: Kind = "native"
    public static let managed: Kind = "managed"
    public static let inlined: Kind = "inlined"
    public static let runtime: Kind = "runtime"
  }

  /// How the frame was found, best first.
  public struct Trust: OpenEnum {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    /// Taken from registers: the thread's own, or those that a signal frame saved.
    public static let context: Trust = "context"
    /// Computed from call frame information.
    public static let cfi: Trust = "cfi"
    /// Followed from the frame pointer.
    public static let framePointer: Trust = "frame_pointer"
    /// Found by scanning the stack for return addresses: may be wrong.
    public static let scan: Trust = "scan"
    /// Told by the managed runtime.
    public static let runtime: Trust = "runtime"
  }

  public struct Managed: Codable, Sendable, Equatable {
    public var token: HexNumber
    public var ilOffset: HexNumber?
    public var assembly: String
    public var mvid: String?
    public init(token: HexNumber, ilOffset: HexNumber?, assembly: String, mvid: String?) {
      self.token = token
      self.ilOffset = ilOffset
      self.assembly = assembly
      self.mvid = mvid
    }
    enum CodingKeys: String, CodingKey {
      case token
      case ilOffset = "il_offset"
      case assembly, mvid
    }
  }

  /// `frames` frames from here on repeat `times` times in all, and are listed once.
  public struct Repeated: Codable, Sendable, Equatable {
    public var frames: Int
    public var times: Int
    public init(frames: Int, times: Int) {
      self.frames = frames
      self.times = times
    }
  }

  public var kind: Kind
  public var trust: Trust
  /// The instruction pointer: a return address, except in the innermost frame and below a signal.
  public var ip: HexNumber
  public var sp: HexNumber
  /// The stack that `sp` lies on, where that is not the thread's own.
  public var stack: StackRecord.Kind?
  /// Index into `modules`.
  public var module: Int?
  /// `ip` minus the module's base, in bytes.
  public var moduleOffset: HexNumber?
  /// The name as a developer says it.
  public var function: String?
  /// The name as the file spells it, where that differs.
  public var rawFunction: String?
  /// Bytes from the function's start to `ip`.
  public var functionOffset: HexNumber?
  public var file: String?
  public var line: Int?
  public var column: Int?
  public var managed: Managed?
  /// True for the trampoline through which a signal handler returns.
  public var signalFrame: Bool?
  /// True for runtime machinery that a reader may fold away.
  public var plumbing: Bool?
  public var repeated: Repeated?

  public init(kind: Kind, trust: Trust, ip: HexNumber, sp: HexNumber) {
    self.kind = kind
    self.trust = trust
    self.ip = ip
    self.sp = sp
  }

  enum CodingKeys: String, CodingKey {
    case kind, trust, ip, sp, stack, module
    case moduleOffset = "module_offset"
    case function
    case rawFunction = "raw_function"
    case functionOffset = "function_offset"
    case file, line, column, managed
    case signalFrame = "signal_frame"
    case plumbing, repeated
  }
}
