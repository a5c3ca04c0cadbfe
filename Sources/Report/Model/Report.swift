/// One crash report, version 1: everything that is known about why a process died.
///
/// The properties stand in the order in which the file writes them: what matters most comes first, so
/// that a truncated report is still useful. Unknown values are left out, never null.
public struct Report: Codable, Sendable {
  public var schema = SchemaID()
  public var report: ReportInfo
  public var crash: Crash
  public var exception: ManagedException?
  public var diagnoses: [Diagnosis] = []
  public var signature: Signature?
  public var process: ProcessRecord
  public var runtime: RuntimeRecord?
  public var host: HostRecord?
  public var threads: [ThreadRecord] = []
  public var modules: [ModuleRecord] = []
  public var memoryMap: [MapRecord] = []
  public var memory: [MemoryRecord] = []
  public var limitations: [Limitation] = []
  /// Room for what later versions or other tools add; nothing is written there today.
  public var extensions = Extensions()

  public init(report: ReportInfo, crash: Crash, process: ProcessRecord) {
    self.report = report
    self.crash = crash
    self.process = process
  }

  enum CodingKeys: String, CodingKey, CaseIterable {
    case schema, report, crash, exception, diagnoses, signature, process, runtime, host, threads
    case modules
    case memoryMap = "memory_map"
    case memory, limitations, extensions
  }

  /// The thread that crashed; nil in a report of a live process.
  public var crashedThread: ThreadRecord? {
    threads.first { $0.crashed }
  }
}

/// An object that this version leaves empty.
public struct Extensions: Codable, Sendable, Equatable {
  public init() {}
}

/// Which format a report is in. Minor versions only add keys.
public struct SchemaID: Codable, Sendable, Equatable {
  public var name = "inquest.report"
  public var version = "1.0.0"

  public init() {}
}

/// How, when and by whom the report was made.
public struct ReportInfo: Codable, Sendable {
  /// What made the collector run.
  public struct Trigger: OpenEnum {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    public static let crash: Trigger = "crash"
    public static let manual: Trigger = "manual"
  }

  public struct Collector: Codable, Sendable {
    public var name: String
    public var version: String
    public init(name: String, version: String) {
      self.name = name
      self.version = version
    }
  }

  /// What the report cost, in milliseconds.
  public struct Timing: Codable, Sendable {
    public struct Stage: Codable, Sendable {
      public var name: String
      public var ms: Double
      public init(name: String, ms: Double) {
        self.name = name
        self.ms = ms
      }
    }
    public var totalMS: Double
    /// From the first thread's stop to the last one's release; nil when nobody was stopped.
    public var frozenMS: Double?
    public var stages: [Stage]
    public init(totalMS: Double, frozenMS: Double?, stages: [Stage]) {
      self.totalMS = totalMS
      self.frozenMS = frozenMS
      self.stages = stages
    }
    enum CodingKeys: String, CodingKey {
      case totalMS = "total_ms"
      case frozenMS = "frozen_ms"
      case stages
    }
  }

  public var id: String
  /// RFC 3339, UTC.
  public var createdAt: String
  public var trigger: Trigger
  /// False when any stage was cut short; `limitations` then says which and why.
  public var complete: Bool
  public var collector: Collector
  public var timing: Timing
  /// JSON pointers to the values that were replaced because they looked like secrets.
  public var redacted: [String] = []

  public init(
    id: String, createdAt: String, trigger: Trigger, complete: Bool, collector: Collector,
    timing: Timing
  ) {
    self.id = id
    self.createdAt = createdAt
    self.trigger = trigger
    self.complete = complete
    self.collector = collector
    self.timing = timing
  }

  enum CodingKeys: String, CodingKey {
    case id
    case createdAt = "created_at"
    case trigger, complete, collector, timing, redacted
  }
}

/// Something that the report could not say, what that costs the reader, and what would help.
public struct Limitation: Codable, Sendable, Hashable {
  public var stage: String
  public var threadID: Int?
  public var problem: String
  public var effect: String
  public var remedy: String?

  public init(
    stage: String, threadID: Int? = nil, problem: String, effect: String, remedy: String? = nil
  ) {
    self.stage = stage
    self.threadID = threadID
    self.problem = problem
    self.effect = effect
    self.remedy = remedy
  }

  enum CodingKeys: String, CodingKey {
    case stage
    case threadID = "thread_id"
    case problem, effect, remedy
  }
}
