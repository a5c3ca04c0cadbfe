internal import Memory

/// Where the rows of each table lie (ECMA-335 II.24.2.6). Rows stay where they are until asked for.
struct MetadataTables {
  private struct Layout {
    var address: UInt64 = 0
    var rows: UInt32 = 0
    /// Of each column: its offset in the row, and whether it has 4 bytes or 2.
    var columns: [(offset: Int, isWide: Bool)] = []
    var stride = 0
  }

  private let memory: any MemorySource
  /// By table number.
  private var layouts: [Layout] = Array(repeating: Layout(), count: 64)

  /// Tokens number rows with 24 bits.
  private static let rowLimit: UInt32 = 0xff_ffff

  init(_ memory: any MemorySource, _ root: MetadataRoot) throws(MetadataError) {
    self.memory = memory
    // 24 bytes, a count for each of up to 64 tables, and 4 bytes more in `#-`.
    let head = Record(
      memory, at: root.tables.address, count: Int(min(root.tables.size, 24 + 64 * 4 + 4)))
    guard let heaps = head.u8(6), let present = head.u64(8) else {
      throw .damaged("metadata with a damaged head of its tables")
    }
    var known: UInt64 = 0
    for table in Table.allCases { known |= 1 << UInt64(table.rawValue) }
    guard present & ~known == 0 else { throw .damaged("metadata with unknown tables") }

    // A PDB's rows point into tables of the assembly that it belongs to.
    var counts = try Self.referenced(memory, root.pdb)
    var at = 24
    for table in Table.allCases where present & 1 << UInt64(table.rawValue) != 0 {
      guard let count = head.u32(at), count <= Self.rowLimit else {
        throw .damaged("metadata with a damaged number of rows")
      }
      counts[Int(table.rawValue)] = count
      layouts[Int(table.rawValue)].rows = count
      at += 4
    }
    for table in [Table.fieldPtr, .methodPtr, .paramPtr] where counts[Int(table.rawValue)] != 0 {
      throw .edited
    }
    if heaps & 0x40 != 0 { at += 4 }

    // From the start of the stream.
    var offset = UInt64(at)
    for table in Table.allCases where present & 1 << UInt64(table.rawValue) != 0 {
      let index = Int(table.rawValue)
      layouts[index].address = root.tables.address &+ offset
      for column in table.columns {
        let isWide = Self.isWide(column, heaps, counts)
        layouts[index].columns.append((layouts[index].stride, isWide))
        layouts[index].stride += isWide ? 4 : 2
      }
      // 2²⁴ rows of less than 2⁶ bytes, 2⁶ tables: no overflow.
      offset += UInt64(layouts[index].rows) * UInt64(layouts[index].stride)
    }
    guard offset <= root.tables.size else {
      throw .damaged("metadata with more rows than it has room for")
    }
  }

  /// The numbers of rows in `#Pdb`, by table: the id, the entry point, then which tables, then how many.
  private static func referenced(
    _ memory: any MemorySource, _ stream: MetadataRoot.Stream
  ) throws(MetadataError) -> [UInt32] {
    var counts: [UInt32] = Array(repeating: 0, count: 64)
    if stream.size == 0 { return counts }
    let record = Record(memory, at: stream.address, count: Int(min(stream.size, 32 + 64 * 4)))
    guard let tables = record.u64(24) else { throw .damaged("a damaged #Pdb stream") }
    var at = 32
    for index in 0..<64 where tables & 1 << UInt64(index) != 0 {
      guard let count = record.u32(at), count <= rowLimit else {
        throw .damaged("a damaged #Pdb stream")
      }
      counts[index] = count
      at += 4
    }
    return counts
  }

  private static func isWide(_ column: Column, _ heaps: UInt8, _ counts: [UInt32]) -> Bool {
    switch column {
    case .u16: false
    case .u32: true
    case .string: heaps & 1 != 0
    case .guid: heaps & 2 != 0
    case .blob: heaps & 4 != 0
    case .row(let table): counts[Int(table.rawValue)] > 0xffff
    case .coded(let index):
      index.tables.contains { table in
        table.map { counts[Int($0.rawValue)] > 0xffff >> index.tagBits } ?? false
      }
    }
  }

  func count(_ table: Table) -> UInt32 { layouts[Int(table.rawValue)].rows }

  /// What stands in `column` of `row`, rows counted from 1; nil for what is not there.
  func value(_ table: Table, _ row: UInt32, _ column: Int) -> UInt32? {
    let layout = layouts[Int(table.rawValue)]
    guard row >= 1, row <= layout.rows, column < layout.columns.count else { return nil }
    let (offset, isWide) = layout.columns[column]
    let address = layout.address + UInt64(row - 1) * UInt64(layout.stride) + UInt64(offset)
    return isWide
      ? memory.load(UInt32.self, at: address).map(UInt32.init(littleEndian:))
      : memory.load(UInt16.self, at: address).map { UInt32(UInt16(littleEndian: $0)) }
  }

  /// The row that a coded index points to.
  func target(_ value: UInt32, _ index: CodedIndex) -> (table: Table, row: UInt32)? {
    let tag = Int(value & (1 << index.tagBits - 1))
    let tables = index.tables
    guard tag < tables.count, let table = tables[tag] else { return nil }
    return (table, value >> index.tagBits)
  }

  /// The value of a coded index that points to `row` of `table`.
  func code(_ table: Table, _ row: UInt32, _ index: CodedIndex) -> UInt32? {
    guard let tag = index.tables.firstIndex(of: table), row <= Self.rowLimit else { return nil }
    return row << index.tagBits | UInt32(tag)
  }

  /// How many rows from the start have a value below `bound` in `column`, which ascends.
  ///
  /// Nil where memory cannot be read. In a table that does not ascend the answer is any row: callers look
  /// whether it is what they wanted.
  func rows(of table: Table, below bound: UInt32, in column: Int) -> UInt32? {
    var low: UInt32 = 0
    var high = count(table)
    while low < high {
      let middle = low + (high - low) / 2
      guard let value = value(table, middle + 1, column) else { return nil }
      if value < bound { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
