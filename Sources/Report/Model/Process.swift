/// The process that crashed or was captured, as /proc tells it.
public struct ProcessRecord: Codable, Sendable {
  public struct Container: Codable, Sendable {
    public var id: String?
    public var cgroup: String?
    public init(id: String?, cgroup: String?) {
      self.id = id
      self.cgroup = cgroup
    }
  }

  public struct Service: Codable, Sendable {
    public var unit: String
    public init(unit: String) { self.unit = unit }
  }

  public var pid: Int
  public var parentPID: Int?
  public var name: String?
  public var executable: String?
  public var arguments: [String]?
  public var workingDirectory: String?
  public var userID: Int?
  public var groupID: Int?
  /// RFC 3339, UTC.
  public var startedAt: String?
  public var uptimeSeconds: Double?
  /// The pid inside the innermost PID namespace, where that is not ours.
  public var namespacePID: Int?
  /// True for the init of a PID namespace: signals sent to it by itself with the default action do
  /// nothing (pid_namespaces(7)).
  public var isNamespaceInit: Bool?
  /// Only variables that are known to be harmless and useful.
  public var environment: [String: String]?
  public var container: Container?
  public var service: Service?
  /// How many descriptors it has open.
  public var openFiles: Int?
  public var limits: Limits?
  public var memory: MemoryUse?

  /// Soft limits (getrlimit(2)); what is unlimited is left out.
  public struct Limits: Codable, Sendable, Equatable {
    public var openFiles: Int?
    public var stackBytes: Int?
    public var addressSpaceBytes: Int?
    public var processes: Int?
    public init() {}
    enum CodingKeys: String, CodingKey {
      case openFiles = "open_files"
      case stackBytes = "stack_bytes"
      case addressSpaceBytes = "address_space_bytes"
      case processes
    }
  }

  /// In bytes. Of a control group only what has a limit.
  public struct MemoryUse: Codable, Sendable, Equatable {
    public var residentBytes: Int?
    public var virtualBytes: Int?
    public var groupBytes: Int?
    public var groupLimitBytes: Int?
    /// How often the kernel has killed for want of memory in its control group.
    public var groupKills: Int?
    public init() {}
    enum CodingKeys: String, CodingKey {
      case residentBytes = "resident_bytes"
      case virtualBytes = "virtual_bytes"
      case groupBytes = "group_bytes"
      case groupLimitBytes = "group_limit_bytes"
      case groupKills = "group_kills"
    }
  }

  public init(pid: Int) {
    self.pid = pid
  }

  enum CodingKeys: String, CodingKey {
    case pid
    case parentPID = "parent_pid"
    case name, executable, arguments
    case workingDirectory = "working_directory"
    case userID = "user_id"
    case groupID = "group_id"
    case startedAt = "started_at"
    case uptimeSeconds = "uptime_seconds"
    case namespacePID = "namespace_pid"
    case isNamespaceInit = "is_namespace_init"
    case environment, container, service
    case openFiles = "open_files"
    case limits, memory
  }
}

/// The .NET runtime inside the process.
public struct RuntimeRecord: Codable, Sendable {
  /// Whether managed code could be inspected.
  public struct Inspection: OpenEnum {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    public static let ok: Inspection = "ok"
    public static let unavailable: Inspection = "unavailable"
    public static let failed: Inspection = "failed"
  }

  public var name = ".NET"
  public var version: String?
  public var commit: String?
  /// Where libcoreclr.so was loaded from.
  public var path: String
  public var inspection: Inspection

  public init(version: String?, commit: String?, path: String, inspection: Inspection) {
    self.version = version
    self.commit = commit
    self.path = path
    self.inspection = inspection
  }

  enum CodingKeys: String, CodingKey {
    case name, version, commit, path, inspection
  }
}

/// The machine.
public struct HostRecord: Codable, Sendable {
  public var name: String
  public var kernel: String
  public var architecture: String
  public var os: String
  public var cpus: Int
  public var memoryBytes: Int

  public init(
    name: String, kernel: String, architecture: String, os: String, cpus: Int, memoryBytes: Int
  ) {
    self.name = name
    self.kernel = kernel
    self.architecture = architecture
    self.os = os
    self.cpus = cpus
    self.memoryBytes = memoryBytes
  }

  enum CodingKeys: String, CodingKey {
    case name, kernel, architecture, os, cpus
    case memoryBytes = "memory_bytes"
  }
}
