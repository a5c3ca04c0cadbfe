/// One mapping of an address space: a line of /proc/PID/maps (proc_pid_maps(5)).
public struct Mapping: Sendable, Equatable {
  public var start: UInt64
  /// The first address after the mapping.
  public var end: UInt64
  /// The kernel's spelling: `r-xp`.
  public var permissions: String
  /// Offset into the file, in bytes.
  public var offset: UInt64
  public var device: String
  public var inode: UInt64
  /// The file, or the kernel's name for it (`[stack]`, `[vdso]`); empty for anonymous memory.
  /// Without the ` (deleted)` that the kernel appends: see `isDeleted`.
  public var path: String
  /// True when the file was unlinked since it was mapped.
  public var isDeleted: Bool

  public init(
    start: UInt64, end: UInt64, permissions: String, offset: UInt64 = 0, device: String = "00:00",
    inode: UInt64 = 0, path: String = "", isDeleted: Bool = false
  ) {
    self.start = start
    self.end = end
    self.permissions = permissions
    self.offset = offset
    self.device = device
    self.inode = inode
    self.path = path
    self.isDeleted = isDeleted
  }

  public var isReadable: Bool { permissions.utf8.first == UInt8(ascii: "r") }
  public var isWritable: Bool { permissions.utf8.dropFirst().first == UInt8(ascii: "w") }
  public var isExecutable: Bool { permissions.utf8.dropFirst(2).first == UInt8(ascii: "x") }
  /// True for a mapping of a file in the file system, deleted or not.
  public var isFile: Bool { inode != 0 && path.utf8.first == UInt8(ascii: "/") }

  public func contains(_ address: UInt64) -> Bool {
    start <= address && address < end
  }
}

/// All mappings of an address space, by address.
public struct MappingTable: Sendable {
  /// In ascending order of address, without overlap: the kernel writes them so.
  public let mappings: [Mapping]

  public init(_ mappings: [Mapping]) {
    self.mappings = mappings
  }

  /// Reads the text of /proc/PID/maps; lines that do not parse are left out.
  public init(text: some Sequence<UInt8>) {
    var mappings: [Mapping] = []
    for line in Array(text).split(separator: UInt8(ascii: "\n")) {
      if let mapping = Mapping(line: line) { mappings.append(mapping) }
    }
    self.init(mappings)
  }

  /// The mapping that holds `address`, or nil.
  public func containing(_ address: UInt64) -> Mapping? {
    index(containing: address).map { mappings[$0] }
  }

  /// The position in `mappings` of the one that holds `address`, or nil.
  public func index(containing address: UInt64) -> Int? {
    let next = firstIndex(after: address)
    guard next > 0, mappings[next - 1].contains(address) else { return nil }
    return next - 1
  }

  /// The position of the first mapping that starts above `address`; `mappings.count` if none does.
  public func firstIndex(after address: UInt64) -> Int {
    var low = 0
    var high = mappings.count
    while low < high {
      let middle = (low + high) / 2
      if mappings[middle].start <= address { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

extension Mapping {
  /// `start-end perms offset dev inode      path`, numbers in hex but for the inode.
  init?(line: ArraySlice<UInt8>) {
    var fields = FieldReader(rest: line)
    guard let start = fields.number(radix: 16, to: UInt8(ascii: "-")),
      let end = fields.number(radix: 16), start < end,
      let permissions = fields.word(),
      let offset = fields.number(radix: 16),
      let device = fields.word(),
      let inode = fields.number(radix: 10)
    else { return nil }
    var path = String(decoding: fields.rest.drop { $0 == FieldReader.space }, as: UTF8.self)
    let deleted = " (deleted)"
    let isDeleted = path.hasSuffix(deleted)
    if isDeleted { path.removeLast(deleted.count) }
    // The one character that the kernel escapes, so that a line stays a line.
    if path.utf8.contains(UInt8(ascii: "\\")) {
      path = String(
        decoding: path.utf8.replacing(part: "\\012".utf8, with: "\n".utf8), as: UTF8.self)
    }
    self.init(
      start: start, end: end, permissions: permissions, offset: offset, device: device,
      inode: inode, path: path, isDeleted: isDeleted)
  }
}

/// Takes a line apart, a field at a time. A process may have 65,530 mappings.
private struct FieldReader {
  static let space = UInt8(ascii: " ")
  var rest: ArraySlice<UInt8>

  /// The next field, without the separator behind it.
  private mutating func field(to separator: UInt8) -> ArraySlice<UInt8> {
    let end = rest.firstIndex(of: separator) ?? rest.endIndex
    defer { rest = rest[end...].dropFirst() }
    return rest[..<end]
  }

  mutating func word() -> String? {
    let field = field(to: Self.space)
    return field.isEmpty ? nil : String(decoding: field, as: UTF8.self)
  }

  mutating func number(radix: UInt64, to separator: UInt8 = space) -> UInt64? {
    let field = field(to: separator)
    // 16 hexadecimal digits, or 19 decimal ones, overflow nothing.
    guard (1...(radix == 16 ? 16 : 19)).contains(field.count) else { return nil }
    var number: UInt64 = 0
    for byte in field {
      let digit: UInt64
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = UInt64(byte - UInt8(ascii: "0"))
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = UInt64(byte - UInt8(ascii: "a")) + 10
      default: return nil
      }
      guard digit < radix else { return nil }
      number = number * radix + digit
    }
    return number
  }
}
