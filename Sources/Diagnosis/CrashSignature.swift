public import Report

/// What makes two crashes the same crash: the kind, and the innermost frames that are not machinery.
public enum CrashSignature {
  /// How many frames count. Few enough that a change far down the stack does not split a group.
  private static let depth = 6
  static let algorithm = "frames-1"

  /// - Parameters:
  ///   - thread: the crashed thread; nil where there is none, or where the walk did not reach the
  ///   place of the crash.
  /// - Returns: one without `frames` when nothing of the crashed thread has anything to tell it from
  ///   another: then it stands for the kind of crash only, and no two crashes are known to be the same.
  ///   - exception: the unhandled one, whose own stack trace then counts: the thread that it ended may have
  ///     thrown it again on behalf of another.
  public static func signature(
    _ crash: Crash, thread: ThreadRecord?, exception: ManagedException? = nil,
    modules: [ModuleRecord]
  ) -> Signature {
    let thrown = crash.kind == .managedException ? exception : nil
    let cause = thrown.map(ExceptionWords.cause)
    var names = Self.names(
      thrown.flatMap { $0.frames.isEmpty ? nil : $0.frames }
        ?? thread?.frames ?? [], modules)
    // Many different failures leave a program by one and the same Task.Wait.
    if let cause, thrown?.inner.isEmpty == false {
      names = Array(names.prefix(depth / 2)) + Self.names(cause.frames, modules).prefix(depth / 2)
    }
    let types = [thrown?.type, cause?.type].compactMap { $0 }
    let parts = [crash.kind.rawValue, crash.signal?.name ?? ""] + types + names
    let hash = String(fnv1a(parts.joined(separator: "\n")), radix: 16)
    return Signature(
      algorithm: algorithm, hash: String(repeating: "0", count: 16 - hash.count) + hash,
      frames: Array(names))
  }

  private static func names(_ frames: [Frame], _ modules: [ModuleRecord]) -> [String] {
    let own = frames.prefix { frame in
      !startCode.contains(frame.function ?? "") && !isHost(frame, modules)
    }
    return Array(
      // What was inlined depends on the build, and is known only where there is debug information.
      own.lazy.filter { $0.plumbing != true && $0.kind != .inlined }.compactMap {
        name($0, modules: modules)
      }
      .prefix(depth))
  }

  /// True for what starts a runtime: the program's own frames are above.
  private static func isHost(_ frame: Frame, _ modules: [ModuleRecord]) -> Bool {
    guard let index = frame.module, modules.indices.contains(index) else { return false }
    let file = modules[index].path.split(separator: "/").last
    return file == "libhostpolicy.so" || file == "libhostfxr.so"
  }

  /// What every stack of a program ends with.
  private static let startCode: Set<String> = [
    "_start", "__libc_start_main", "__libc_start_call_main", "start_thread", "clone", "clone3",
  ]

  /// The function where it is known; else the module's file name and the offset, which survive address
  /// space randomisation. Generated code has neither.
  private static func name(_ frame: Frame, modules: [ModuleRecord]) -> String? {
    if let function = frame.rawFunction ?? frame.function { return function }
    guard let index = frame.module, modules.indices.contains(index), modules[index].kind != .jit,
      let file = modules[index].path.split(separator: "/").last, let offset = frame.moduleOffset
    else { return nil }
    return "\(file)+\(offset)"
  }

  /// FNV-1a, 64 bits: a stable name for a group, not a defence against anyone.
  private static func fnv1a(_ text: String) -> UInt64 {
    text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }
}
