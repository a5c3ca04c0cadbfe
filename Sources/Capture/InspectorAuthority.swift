import CLinux
import Glibc
import Inferior

/// What a process may do, as far as /proc tells: its user, groups, capabilities and namespaces.
///
/// The DAC is native code from a directory that the target chose. **The rule: before it is loaded, the
/// inspector becomes the target**: its namespaces and root, its effective user and groups, no capability
/// that the target does not have, and no way to get any back (PR_SET_NO_NEW_PRIVS). Where the kernel does
/// not allow that, nothing is loaded. In a crash there is mostly nothing to give up: the collector was
/// started by the target itself.
struct InspectorAuthority: Equatable {
  var user: UInt32
  var group: UInt32
  var groups: [UInt32]
  var capabilities: UInt64
  /// Each namespace as /proc names it, `mnt:[4026531841]`.
  var namespaces: [String: String]

  /// The namespaces that are entered, in this order: the mount namespace last, because /proc is in it.
  /// The flags are clone(2)'s: CLONE_NEWNET and so on.
  private static let kinds: [(name: String, flag: CInt)] = [
    ("net", 0x4000_0000), ("ipc", 0x0800_0000), ("uts", 0x0400_0000), ("cgroup", 0x0200_0000),
    ("mnt", 0x0002_0000),
  ]

  /// This process's.
  static func own() -> InspectorAuthority? {
    guard let directory = try? ProcessDirectory(pid: getpid()) else { return nil }
    return InspectorAuthority(directory)
  }

  /// - Returns: nil when /proc does not tell.
  init?(_ directory: borrowing ProcessDirectory) {
    guard let text = directory.contents(of: "status") else { return nil }
    var lines: [String: [String]] = [:]
    for line in text.split(separator: UInt8(ascii: "\n")) {
      guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
      lines[String(decoding: line[..<colon], as: UTF8.self)] =
        line[(colon + 1)...].split { $0 == 0x20 || $0 == 0x09 }
        .map { String(decoding: $0, as: UTF8.self) }
    }
    // Real, effective, saved, file system (proc_pid_status(5)).
    guard let users = lines["Uid"], users.count == 4, let user = UInt32(users[1]),
      let groups = lines["Gid"], groups.count == 4, let group = UInt32(groups[1]),
      let effective = lines["CapEff"]?.first.flatMap({ UInt64($0, radix: 16) })
    else { return nil }
    (self.user, self.group, capabilities) = (user, group, effective)
    self.groups = (lines["Groups"] ?? []).compactMap { UInt32($0) }
    namespaces = [:]
    for name in Self.kinds.map(\.name) + ["user", "pid"] {
      guard let link = directory.link("ns/\(name)") else { continue }
      namespaces[name] = link
    }
  }

  /// True when whoever has this authority may do nothing that `other` may not.
  func isWithin(_ other: InspectorAuthority) -> Bool {
    user == other.user && group == other.group && Set(groups) == Set(other.groups)
      && capabilities & ~other.capabilities == 0 && namespaces == other.namespaces
  }

  /// What stands in the way of becoming `target`; nil when it can be tried.
  func obstacle(to target: InspectorAuthority) -> String? {
    if isWithin(target) { return nil }
    if namespaces["user"] == nil || namespaces["user"] != target.namespaces["user"] {
      return "the process lives in another user namespace"
    }
    return nil
  }

  /// Makes children of this process members of the target's PID namespace, the one that a process
  /// cannot change to itself. 0, or an errno.
  static func prepareChildren(
    for target: InspectorAuthority, from own: InspectorAuthority, pid: Int32
  )
    -> CInt
  {
    guard own.namespaces["pid"] != target.namespaces["pid"] else { return 0 }
    return enter("pid", 0x2000_0000, pid: pid)
  }

  /// Becomes the target, for good. To be called in the inspector, before any foreign code runs.
  ///
  /// - Returns: what was refused, or nil.
  static func become(_ target: InspectorAuthority, from own: InspectorAuthority, pid: Int32)
    -> String?
  {
    if own.isWithin(target) { return nil }
    let root = inquest_openat(AT_FDCWD, "/proc/\(pid)/root", O_PATH | O_DIRECTORY | O_CLOEXEC, 0)
    defer { close(root) }
    for (name, flag) in kinds where own.namespaces[name] != target.namespaces[name] {
      let number = enter(name, flag, pid: pid)
      if number != 0 { return "its \(name) namespace cannot be entered: \(reason(number))" }
    }
    if own.namespaces["mnt"] != target.namespaces["mnt"], inquest_enter_root(root) != 0 {
      return "its root directory cannot be entered"
    }
    var number = inquest_become_user(
      target.user, target.group, target.groups, target.groups.count)
    if number != 0 { return "its user \(target.user) cannot be taken on: \(reason(number))" }
    number = inquest_limit_capabilities(target.capabilities)
    if number != 0 { return "capabilities cannot be given up: \(reason(number))" }
    return nil
  }

  private static func enter(_ name: String, _ flag: CInt, pid: Int32) -> CInt {
    let file = inquest_openat(AT_FDCWD, "/proc/\(pid)/ns/\(name)", O_RDONLY | O_CLOEXEC, 0)
    guard file >= 0 else { return inquest_errno() }
    defer { close(file) }
    return inquest_enter_namespace(file, flag)
  }

  private static func reason(_ number: CInt) -> String { String(cString: strerror(number)) }
}
