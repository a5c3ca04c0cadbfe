/// One thread: where it was, and how it got there.
public struct ThreadRecord: Codable, Sendable {
  public struct Managed: Codable, Sendable {
    public var id: Int
    public var exceptionType: String?
    public init(id: Int, exceptionType: String? = nil) {
      self.id = id
      self.exceptionType = exceptionType
    }
    enum CodingKeys: String, CodingKey {
      case id
      case exceptionType = "exception_type"
    }
  }

  /// Why the walk of a stack ended.
  public struct EndReason: OpenEnum {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    public static let outermost: EndReason = "outermost"
    public static let frameLimit: EndReason = "frame_limit"
    public static let unreadableMemory: EndReason = "unreadable_memory"
    public static let noProgress: EndReason = "no_progress"
    public static let noUnwindInformation: EndReason = "no_unwind_information"
    public static let deadline: EndReason = "deadline"
  }

  /// The kernel's thread id.
  public var id: Int
  /// `comm`, as the kernel shows it.
  public var name: String?
  public var crashed: Bool
  /// The state's name in proc(5): running, sleeping, disk_sleep, stopped, tracing_stop, zombie, …
  public var state: String?
  public var managed: Managed?
  /// General registers, at the fault for the crashed thread.
  public var registers: Registers?
  public var stack: StackRecord?
  /// Every stack that the walk came by, where it is more than that one: a handler's, a coroutine's.
  public var stacks: [StackRecord]?
  /// What it waits for, where somebody else has it.
  public var waitsFor: WaitRecord?
  /// Innermost first; for the crashed thread from the fault on.
  public var frames: [Frame]
  /// What lies above the fault: the wait for the collector, the crash handling, the trampoline.
  public var handlerFrames: [Frame]?
  /// How many frames there are from the first of `frames` to the outermost, including those that are
  /// folded or left out of the list.
  public var frameCount: Int
  /// True when the walk reached the outermost frame.
  public var complete: Bool
  public var endReason: EndReason

  public init(
    id: Int, name: String? = nil, crashed: Bool, frames: [Frame], frameCount: Int, complete: Bool,
    endReason: EndReason
  ) {
    self.id = id
    self.name = name
    self.crashed = crashed
    self.frames = frames
    self.frameCount = frameCount
    self.complete = complete
    self.endReason = endReason
  }

  enum CodingKeys: String, CodingKey {
    case id, name, crashed, state, managed, registers, stack, stacks
    case waitsFor = "waits_for"
    case frames
    case handlerFrames = "handler_frames"
    case frameCount = "frame_count"
    case complete
    case endReason = "end_reason"
  }
}

/// The memory that a thread's stack pointer lay in.
public struct StackRecord: Codable, Sendable, Equatable {
  public struct Kind: OpenEnum {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    public static let main: Kind = "main"
    public static let thread: Kind = "thread"
    public static let alternate: Kind = "alternate"
    public static let custom: Kind = "custom"
  }

  public var kind: Kind
  public var start: HexNumber
  public var end: HexNumber
  /// The inaccessible memory right below it, where there is such.
  public var guardPages: Guard?

  public struct Guard: Codable, Sendable, Equatable {
    public var start: HexNumber
    public var end: HexNumber
    public init(start: HexNumber, end: HexNumber) {
      self.start = start
      self.end = end
    }
  }

  public init(kind: Kind, start: HexNumber, end: HexNumber) {
    self.kind = kind
    self.start = start
    self.end = end
  }

  enum CodingKeys: String, CodingKey {
    case kind, start, end
    case guardPages = "guard"
  }
}

/// A lock that a blocked thread waits for.
public struct WaitRecord: Codable, Sendable, Equatable {
  public struct Kind: OpenEnum {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    /// pthread_mutex_t.
    public static let mutex: Kind = "mutex"
    /// pthread_rwlock_t. Of readers that hold it nobody knows who they are.
    public static let rwlock: Kind = "rwlock"
    /// The lock of a .NET object.
    public static let monitor: Kind = "monitor"
  }

  public var kind: Kind
  /// Where the lock, or for a monitor the object, lies.
  public var address: HexNumber
  /// The class of a monitor's object.
  public var type: String?
  /// The kernel's id of the thread that holds it.
  public var owner: Int?

  public init(kind: Kind, address: HexNumber, type: String? = nil, owner: Int? = nil) {
    self.kind = kind
    self.address = address
    self.type = type
    self.owner = owner
  }

  enum CodingKeys: String, CodingKey {
    case kind, address, type
    case owner = "owner_thread_id"
  }
}

/// Registers by name, in the architecture's usual order.
public struct Registers: Codable, Sendable, Equatable {
  public struct Entry: Sendable, Equatable {
    public var name: String
    public var value: HexNumber
    public init(name: String, value: HexNumber) {
      self.name = name
      self.value = value
    }
  }

  public var entries: [Entry]

  public init(_ entries: [Entry]) {
    self.entries = entries
  }

  public subscript(name: String) -> HexNumber? {
    entries.first { $0.name == name }?.value
  }

  private struct Name: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Name.self)
    entries = try container.allKeys.map {
      Entry(name: $0.stringValue, value: try container.decode(HexNumber.self, forKey: $0))
    }
    // Foundation's decoder forgets the order of keys.
    entries.sort { Self.rank($0.name) < Self.rank($1.name) }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Name.self)
    for entry in entries {
      try container.encode(entry.value, forKey: Name(stringValue: entry.name))
    }
  }
}
