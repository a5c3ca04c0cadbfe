internal import CCapstone
public import Memory

/// One machine instruction, taken apart.
public struct Instruction: Sendable, Equatable {
  public enum Access: Sendable {
    case read, write, readWrite
  }

  /// An operand in memory: `segment:[base + index * scale + displacement]`.
  public struct Operand: Sendable, Equatable {
    /// Registers by name; nil where there is none.
    public var segment: String?
    public var base: String?
    public var index: String?
    /// Of an index.
    public var scale: Int
    /// In bytes.
    public var displacement: Int64
    /// Bytes that are accessed; nil where that is not known.
    public var size: Int?
    public var access: Access?
  }

  /// In bytes.
  public var size: Int
  /// In Intel's syntax on x86.
  public var text: String
  /// Those in memory, the stack of `push`, `call`, `pop` and `ret` among them.
  public var operands: [Operand]
}

/// Takes instructions of our own architecture apart with Capstone, where that is installed.
public enum Disassembler {
  /// Bytes that the longest instruction takes (Intel SDM, volume 2, 2.3.11).
  public static let longest = 15

  public enum Failure: Error, Equatable {
    /// libcapstone.so.4 is not installed.
    case noLibrary
    /// These bytes are none.
    case noInstruction
  }

  /// The first instruction of `bytes`.
  ///
  /// - Parameters:
  ///   - bytes: the code, at most ``longest`` of it are of use.
  ///   - address: where it lies in the process.
  public static func decode(_ bytes: [UInt8], at address: UInt64) throws(Failure) -> Instruction {
    var found = ccapstone_instruction()
    switch ccapstone_decode(bytes, bytes.count, address, &found) {
    case 1: break
    case 0: throw .noInstruction
    default: throw .noLibrary
    }
    let operands = withUnsafeBytes(of: found.operands) {
      Array($0.bindMemory(to: ccapstone_operand.self).prefix(Int(found.count)))
    }
    return Instruction(
      size: Int(found.size), text: text(found.text),
      operands: operands.map(Instruction.Operand.init))
  }

  /// The characters of a C array up to its zero.
  fileprivate static func text<T>(_ array: T) -> String {
    withUnsafeBytes(of: array) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}

extension Instruction.Operand {
  fileprivate init(_ operand: ccapstone_operand) {
    func register<T>(_ array: T) -> String? {
      let name = Disassembler.text(array)
      return name.isEmpty ? nil : name
    }
    segment = register(operand.segment)
    base = register(operand.base)
    index = register(operand.index)
    scale = Int(operand.scale)
    displacement = operand.displacement
    size = operand.size > 0 ? Int(operand.size) : nil
    access =
      switch operand.access {
      case CCAPSTONE_READ: .read
      case CCAPSTONE_WRITE: .write
      case CCAPSTONE_READ | CCAPSTONE_WRITE: .readWrite
      default: nil
      }
  }

  /// Where the operand lies; nil when it takes a register that is not among these: a vector, or half of one.
  ///
  /// - Parameter next: the address of the instruction after this one, to which `rip` in an operand refers.
  public func address(_ registers: RegisterSet, next: UInt64) -> UInt64? {
    func value(_ name: String) -> UInt64? {
      if let base = registers.segmentBase(name) { return base }
      if name == "rip" { return next }
      return registers.named.first { $0.name == name }?.value
    }
    var address = UInt64(bitPattern: displacement)
    for (name, factor) in [(segment, 1), (base, 1), (index, scale)] {
      guard let name else { continue }
      guard let value = value(name) else { return nil }
      address &+= value &* UInt64(factor)
    }
    return address
  }
}
