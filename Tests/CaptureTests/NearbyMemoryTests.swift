import Memory
import Report
import TestSupport
import Testing

@testable import Capture

/// Which pieces of memory a report takes: few, small, none twice.
@Suite struct NearbyMemoryTests {
  #if arch(x86_64)
    nonisolated(unsafe) private static let general: [WritableKeyPath<RegisterSet, UInt64>] = [
      \.rax, \.rbx, \.rcx, \.rdx, \.rsi, \.rdi, \.rbp, \.r8, \.r9, \.r10, \.r11,
    ]
  #endif
  private let memory = RegionMemory((0x1_0000, [UInt8](repeating: 7, count: 0x1000)))

  private func mappings(_ permissions: String = "rw-p") -> MappingTable {
    MappingTable([
      Mapping(start: 0x1_0000, end: 0x1_1000, permissions: permissions),
      // Mapped, and not to be read.
      Mapping(start: 0x2_0000, end: 0x2_1000, permissions: "r--p"),
      Mapping(start: 0x3_0000, end: 0x3_1000, permissions: "---p"),
    ])
  }

  private func records(
    ip: UInt64 = 0, sp: UInt64 = 0, fault: UInt64? = nil, others: [UInt64] = []
  ) -> [MemoryRecord] {
    var registers = RegisterSet()
    registers.instructionPointer = ip
    registers.stackPointer = sp
    #if arch(x86_64)
      for (value, path) in zip(others, Self.general) {
        registers[keyPath: path] = value
      }
    #else
      for (index, value) in others.enumerated() { registers.x[index] = value }
    #endif
    return NearbyMemory(memory, mappings: mappings(), registers: registers, fault: fault).records
  }

  private func place(_ record: MemoryRecord) -> Range<UInt64> {
    record.address.value..<record.address.value + UInt64(record.bytes.utf8.count / 2)
  }

  @Test func aPieceEndsWhereItsMappingDoes() {
    #expect(records(sp: 0x1_0ff0).map(place) == [0x1_0ff0..<0x1_1000])
    #expect(records(ip: 0x1_0008).map(place) == [0x1_0000..<0x1_0028])
    #expect(records(fault: 0x1_0800).map(place) == [0x1_07f0..<0x1_0830])
  }

  @Test func whatPointsNowhereIsLeftOut() {
    #expect(records(ip: 8, sp: 0x9_0000, fault: 0, others: [0x2_0800, 0x3_0800, .max]).isEmpty)
  }

  @Test func noByteIsTakenTwice() {
    let found = records(
      sp: 0x1_0400, fault: 0x1_0408, others: [0x1_0400, 0x1_03f8, 0x1_0508, 0x1_0508])
    #expect(found.count == 3, "\(found)")
    for (index, record) in found.enumerated() {
      #expect(!found[..<index].contains(where: { place($0).overlaps(place(record)) }))
    }
  }

  @Test func thereIsALimitToAll() {
    let found = records(
      ip: 0x1_0100, sp: 0x1_0200, fault: 0x1_0400, others: (5...15).map { 0x1_0000 + $0 * 0x100 })
    #expect(found.reduce(0) { $0 + place($1).count } == 1024)
    #expect(found.count == 3 + 10)
  }
}
