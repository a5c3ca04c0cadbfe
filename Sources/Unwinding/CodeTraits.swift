/// What there is to know about the code at an address before a walk steps out of it. It stays as it is:
/// every address is looked at once, however many frames and threads are there.
struct CodeTraits: OptionSet {
  let rawValue: UInt8
  /// The address lies in an executable mapping.
  static let code = CodeTraits(rawValue: 1)
  /// It lies in an ELF file.
  static let native = CodeTraits(rawValue: 2)
  /// There is unwind information for it.
  static let unwindInfo = CodeTraits(rawValue: 4)
  /// A signal handler returns to it.
  static let trampoline = CodeTraits(rawValue: 8)
  /// See `FramePolicy.movedSignalContext`.
  static let movedHandler = CodeTraits(rawValue: 16)
}

/// The places that were looked at, by instruction pointer. One pushes another out; a stack has few.
struct PlaceCache {
  private static let slots = 4096
  /// Instruction pointers; those that were interrupted have another meaning and places of their own. No
  /// address is all ones.
  private var tags = [UInt64](repeating: .max, count: 2 * slots)
  private var places = [CodeTraits](repeating: [], count: 2 * slots)

  private func slot(_ ip: UInt64, _ isInterrupted: Bool) -> Int {
    // Fibonacci hashing: return addresses of one function differ in few bits.
    let hash = Int(truncatingIfNeeded: (ip &* 0x9e37_79b9_7f4a_7c15) >> 52)
    return isInterrupted ? hash + Self.slots : hash
  }

  subscript(ip: UInt64, isInterrupted: Bool) -> CodeTraits? {
    get {
      let slot = slot(ip, isInterrupted)
      return tags[slot] == ip ? places[slot] : nil
    }
    set {
      let slot = slot(ip, isInterrupted)
      tags[slot] = ip
      places[slot] = newValue ?? []
    }
  }
}
