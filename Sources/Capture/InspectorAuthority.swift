import CLinux
import Glibc
import Inferior

/// What a process may do, as far as /proc tells: its users, groups, capabilities, namespaces and root.
///
/// The DAC is native code from a directory that the target chose. **The rule: before it is loaded, the
/// inspector becomes the target**: its namespaces and root, its effective user and groups, and no capability
/// at all, for good (PR_SET_NO_NEW_PRIVS). Where the kernel does not allow that, nothing is loaded. In a
/// crash there is mostly nothing to give up: the collector was started by the target itself.
///
/// **In either case** it is confined (``InspectorRole``): no descriptor but its socket, the library, the
/// target's memory for reading and /dev/null; no environment; no terminal, keyring or core file; and a system
/// call filter under which it can neither begin a process nor reach one (Confine.c). What it says is read with
/// limits (`WireReader`).
///
/// **What is left** to a hostile library: files that the target's user may use, in the target's view of
/// them, those of /proc included: with equal rights the worker's memory is one, as for all programs of that
/// user; up to the memory limit, and a processor until its time is over, both of the collector's cgroup and
/// not of the target's; what the worker had read about this very process before the fork; where the worker's
/// own code and heap lie, because a fork does not move them. The label of a security module and the target's
/// own system call filter are not taken on; and it may lie: names and exceptions of a report are what the
/// target's own runtime library says.
struct InspectorAuthority: Equatable {
  /// Effective.
  var user: UInt32
  var group: UInt32
  /// Supplementary.
  var groups: [UInt32]
  /// Real, effective, saved and for files; and with the groups above.
  var allUsers: Set<UInt32>
  var allGroups: Set<UInt32>
  /// Effective, and permitted: one that can be had by asking for it.
  var capabilities: UInt64
  var permitted: UInt64
  /// Each namespace as /proc names it, `mnt:[4026531841]`.
  var namespaces: [String: String]
  /// Device and inode of the root directory.
  var root: [UInt64]

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
    func numbers(_ key: String) -> [UInt32] { (lines[key] ?? []).compactMap { UInt32($0) } }
    func mask(_ key: String) -> UInt64? { lines[key]?.first.flatMap { UInt64($0, radix: 16) } }
    // Real, effective, saved, file system (proc_pid_status(5)).
    let (users, groups) = (numbers("Uid"), numbers("Gid"))
    guard users.count == 4, groups.count == 4, let effective = mask("CapEff"),
      let permitted = mask("CapPrm")
    else { return nil }
    (user, group) = (users[1], groups[1])
    (capabilities, self.permitted) = (effective, permitted)
    self.groups = numbers("Groups")
    (allUsers, allGroups) = (Set(users), Set(groups + self.groups))
    namespaces = [:]
    for name in Self.kinds.map(\.name) + ["user", "pid"] {
      guard let link = directory.link("ns/\(name)") else { continue }
      namespaces[name] = link
    }
    root = []
    let place = directory.lookAt("root")
    guard place >= 0 else { return }
    defer { close(place) }
    var status = stat()
    if fstat(place, &status) == 0 { root = [UInt64(status.st_dev), UInt64(status.st_ino)] }
  }

  /// True when whoever has this authority may do nothing that `other` may not.
  func isWithin(_ other: InspectorAuthority) -> Bool {
    user == other.user && group == other.group && allUsers.isSubset(of: other.allUsers)
      && allGroups.isSubset(of: other.allGroups)
      && (capabilities | permitted) & ~(other.capabilities | other.permitted) == 0
      && namespaces == other.namespaces && root == other.root
  }

  /// What stands in the way of becoming `target`; nil when it can be tried.
  func obstacle(to target: InspectorAuthority) -> String? {
    if isWithin(target) { return nil }
    guard let user = namespaces["user"], let other = target.namespaces["user"],
      !target.root.isEmpty
    else { return "its namespaces and its root directory cannot be read" }
    return user == other ? nil : "the process lives in another user namespace"
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
    // The current directory may lie outside, or be one that only we may be in.
    let isElsewhere = own.namespaces["mnt"] != target.namespaces["mnt"] || own.root != target.root
    if isElsewhere ? inquest_enter_root(root) != 0 : chdir("/") != 0 {
      return "its root directory cannot be entered"
    }
    var number = inquest_become_user(
      target.user, target.group, target.groups, target.groups.count)
    if number != 0 { return "its user \(target.user) cannot be taken on: \(reason(number))" }
    number = inquest_drop_capabilities()
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
