/// A file (or a memory region with code) that the process had mapped.
public struct ModuleRecord: Codable, Sendable, Equatable {
  public struct Kind: OpenEnum {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    public static let elf: Kind = "elf"
    public static let pe: Kind = "pe"
    public static let vdso: Kind = "vdso"
    public static let jit: Kind = "jit"
  }

  public var path: String
  public var kind: Kind
  public var base: HexNumber
  public var end: HexNumber
  /// The GNU build-id, bare hex.
  public var buildID: String?
  public var mvid: String?
  public var pdbID: String?
  /// True when the file was unlinked or replaced since it was mapped.
  public var deleted: Bool?
  public var version: String?

  public init(path: String, kind: Kind, base: HexNumber, end: HexNumber) {
    self.path = path
    self.kind = kind
    self.base = base
    self.end = end
  }

  enum CodingKeys: String, CodingKey {
    case path, kind, base, end
    case buildID = "build_id"
    case mvid
    case pdbID = "pdb_id"
    case deleted, version
  }
}

/// One line of /proc/PID/maps.
public struct MapRecord: Codable, Sendable, Equatable {
  public var start: HexNumber
  public var end: HexNumber
  /// As the kernel writes them: `r-xp`.
  public var permissions: String
  public var offset: HexNumber
  public var path: String?
  /// True for the mapping that holds the fault's address.
  public var fault: Bool?
  /// Bytes that the file has, for a SIGBUS in it.
  public var fileBytes: Int?

  public init(
    start: HexNumber, end: HexNumber, permissions: String, offset: HexNumber, path: String? = nil,
    fault: Bool? = nil
  ) {
    self.start = start
    self.end = end
    self.permissions = permissions
    self.offset = offset
    self.path = path
    self.fault = fault
  }

  enum CodingKeys: String, CodingKey {
    case start, end, permissions, offset, path, fault
    case fileBytes = "file_bytes"
  }
}

/// Bytes copied from the process.
public struct MemoryRecord: Codable, Sendable, Equatable {
  /// Why they were copied: the register that pointed here, and so on.
  public var label: String
  public var address: HexNumber
  /// Bare hex.
  public var bytes: String

  public init(label: String, address: HexNumber, bytes: String) {
    self.label = label
    self.address = address
    self.bytes = bytes
  }
}
