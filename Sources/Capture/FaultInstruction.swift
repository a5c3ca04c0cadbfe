import Disassembly
import Memory
import Report

/// Reads the instruction that a fault is about.
enum FaultInstruction {
  /// - Parameters:
  ///   - registers: those at the fault, with the bases of segments.
  ///   - signal: its number and code.
  /// - Returns: nil where nothing was executed: a jump to where there is no code.
  static func read(
    _ registers: RegisterSet, signal: (number: Int32, code: Int32), memory: any MemorySource,
    mappings: MappingTable
  ) -> InstructionRecord? {
    let address = address(registers.instructionPointer, signal: signal, memory: memory)
    guard mappings.containing(address)?.isExecutable == true else { return nil }
    let bytes = memory.prefix(at: address, atMost: Disassembler.longest)
    guard !bytes.isEmpty else { return nil }
    var record = InstructionRecord(address: HexNumber(address), bytes: bytes.hexadecimal)
    guard let found = try? Disassembler.decode(bytes, at: address) else { return record }
    record.bytes = bytes.prefix(found.size).hexadecimal
    record.text = found.text
    let next = address &+ UInt64(found.size)
    let operands = found.operands.map {
      InstructionRecord.Operand($0, address: $0.address(registers, next: next))
    }
    if !operands.isEmpty { record.operands = operands }
    return record
  }
}

extension InstructionRecord.Operand {
  fileprivate init(_ operand: Instruction.Operand, address: UInt64?) {
    self.init()
    base = operand.base
    index = operand.index
    scale = operand.index == nil ? nil : operand.scale
    displacement = operand.displacement == 0 ? nil : Int(operand.displacement)
    size = operand.size
    access =
      switch operand.access {
      case .read: "read"
      case .write: "write"
      case .readWrite: "read_write"
      case nil: nil
      }
    self.address = address.map { HexNumber($0) }
  }
}
