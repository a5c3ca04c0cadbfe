import Disassembly
import Memory
import Report
import Unwinding

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

extension FaultInstruction {
  /// Whether an instruction can have raised a fault, or another one has come since: the trap number in a signal
  /// frame may be an older fault's.
  static func proves(_ fault: SignalContext, _ instruction: InstructionRecord) -> Bool {
    let (ill, fpe, segv, fromKernel): (Int32, Int32, Int32, Int32) = (4, 8, 11, 128)
    let operands = instruction.operands ?? []
    let name = instruction.text.map { $0.prefix { $0 != " " } }
    switch (fault.number, fault.code) {
    case (fpe, _): return name == "div" || name == "idiv"
    case (ill, _): return name == nil || name == "ud2" || name == "ud1"
    case (segv, fromKernel):
      // Addresses that are none (Intel SDM, volume 1, 3.3.7.1).
      return name == "hlt"
        || operands.contains { [0, 0x1ffff].contains(($0.address?.value ?? 0) >> 47) == false }
    case (5, _): return instruction.bytes.hasPrefix("cc")
    default:
      // What calls and pushes put on the stack is no operand. Others may begin below the address that faulted,
      // at the end of a page.
      return fault.address == fault.registers.stackPointer &- 8
        || operands.contains { operand in
          guard let start = operand.address?.value, fault.address >= start else { return false }
          return fault.address - start < UInt64(max(operand.size ?? 1, 1))
        }
    }
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
