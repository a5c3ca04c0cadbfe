public import Report

/// What makes two crashes the same crash: the kind, and the innermost frames that are not machinery.
public enum CrashSignature {
  /// How many frames count. Few enough that a change far down the stack does not split a group.
  private static let depth = 6
  static let algorithm = "frames-1"

  /// Nil when there is no crashed thread to sign.
  public static func signature(_ crash: Crash, thread: ThreadRecord?, modules: [ModuleRecord])
    -> Signature?
  {
    guard let thread, crash.kind != .none else { return nil }
    let names = thread.frames.lazy.filter { $0.plumbing != true }.prefix(depth).map {
      name($0, modules: modules)
    }
    let parts = [crash.kind.rawValue, crash.signal?.name ?? ""] + names
    let hash = String(fnv1a(parts.joined(separator: "\n")), radix: 16)
    return Signature(
      algorithm: algorithm, hash: String(repeating: "0", count: 16 - hash.count) + hash,
      frames: Array(names))
  }

  /// The function where it is known; else the module's file name and the offset, which survive address
  /// space randomisation. Generated code has neither.
  private static func name(_ frame: Frame, modules: [ModuleRecord]) -> String {
    if let function = frame.rawFunction ?? frame.function { return function }
    guard let index = frame.module, modules.indices.contains(index),
      modules[index].kind != .jit
    else { return frame.kind == .managed ? "[managed]" : "[unknown]" }
    let file = modules[index].path.split(separator: "/").last.map(String.init) ?? "?"
    return "\(file)+\(frame.moduleOffset ?? 0)"
  }

  /// FNV-1a, 64 bits: a stable name for a group, not a defence against anyone.
  private static func fnv1a(_ text: String) -> UInt64 {
    text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }
}
