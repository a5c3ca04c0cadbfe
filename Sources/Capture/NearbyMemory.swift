import Memory
import Report

/// Copies of the memory that a fault has to do with.
///
/// Few and small: whatever the program had there may be in it, secrets too.
struct NearbyMemory {
  /// Bytes of all pieces.
  private static let total = 1024
  /// Bytes of code, of stack, and around any other place.
  private static let (code, stack, other): (UInt64, UInt64, UInt64) = (64, 256, 64)

  private let memory: any MemorySource
  private let mappings: MappingTable
  private(set) var records: [MemoryRecord] = []
  private var taken: [Range<UInt64>] = []
  private var left = total

  /// - Parameters:
  ///   - registers: those at the fault.
  ///   - fault: the address that was accessed; nil for a fault without one.
  init(
    _ memory: any MemorySource, mappings: MappingTable, registers: RegisterSet, fault: UInt64?
  ) {
    self.memory = memory
    self.mappings = mappings
    let (ip, sp) = (registers.instructionPointer, registers.stackPointer)
    add(RegisterSet.instructionPointerName, ip, from: ip &- Self.code / 2, Self.code)
    add(RegisterSet.stackPointerName, sp, from: sp, Self.stack)
    if let fault { add("fault", fault, from: Self.start(fault), Self.other) }
    for (name, value) in registers.named where RegisterSet.isGeneral(name) {
      add(name, value, from: Self.start(value), Self.other)
    }
  }

  /// What a pointer points to matters more than what lies before it.
  private static func start(_ pointer: UInt64) -> UInt64 {
    (pointer & ~15) &- min(16, pointer & ~15)
  }

  /// Takes what can be read of `count` bytes from `start` on, but for what others have taken.
  private mutating func add(_ label: String, _ pointer: UInt64, from start: UInt64, _ count: UInt64)
  {
    guard let mapping = mappings.containing(pointer), mapping.isReadable,
      !taken.contains(where: { $0.contains(pointer) })
    else { return }
    var low = max(start, mapping.start)
    var high = min(start &+ count, mapping.end)
    for range in taken {
      if range.upperBound <= pointer { low = max(low, range.upperBound) }
      if range.lowerBound > pointer { high = min(high, range.lowerBound) }
    }
    guard low < high, Int(high - low) <= left else { return }
    let bytes = memory.prefix(at: low, atMost: Int(high - low))
    guard low + UInt64(bytes.count) > pointer else { return }
    left -= bytes.count
    taken.append(low..<low + UInt64(bytes.count))
    records.append(
      MemoryRecord(label: label, address: HexNumber(low), bytes: bytes.hexadecimal))
  }
}
