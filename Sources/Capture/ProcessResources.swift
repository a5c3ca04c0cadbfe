import CLinux
import Glibc
import Inferior
import Report

/// Reads how much a process uses of what it may use: a crash can be the end of one of these.
enum ProcessResources {
  static func read(_ directory: borrowing ProcessDirectory, into record: inout ProcessRecord) {
    record.openFiles = directory.openFiles()
    if let text = directory.contents(of: "limits", limit: 16384) {
      let limits = limits(text)
      if limits != ProcessRecord.Limits() { record.limits = limits }
    }
    var memory = directory.contents(of: "status", limit: 65536).map(use) ?? .init()
    if let text = directory.contents(of: "cgroup", limit: 65536) {
      ControlGroupMemory.read(cgroup: text, into: &memory)
    }
    if memory != ProcessRecord.MemoryUse() { record.memory = memory }
  }

  /// The soft limits of /proc/PID/limits (proc_pid_limits(5)): a name in columns of its own, then numbers or
  /// `unlimited`.
  static func limits(_ text: [UInt8]) -> ProcessRecord.Limits {
    var limits = ProcessRecord.Limits()
    for line in text.split(separator: UInt8(ascii: "\n")) {
      func soft(_ name: String) -> Int? {
        guard line.starts(with: name.utf8) else { return nil }
        return number(line.dropFirst(name.utf8.count))
      }
      limits.openFiles = limits.openFiles ?? soft("Max open files ")
      limits.stackBytes = limits.stackBytes ?? soft("Max stack size ")
      limits.addressSpaceBytes = limits.addressSpaceBytes ?? soft("Max address space ")
      limits.processes = limits.processes ?? soft("Max processes ")
    }
    return limits
  }

  /// VmRSS and VmSize of /proc/PID/status, which are in units of 1024 bytes whatever they say
  /// (proc_pid_status(5)).
  static func use(_ status: [UInt8]) -> ProcessRecord.MemoryUse {
    var use = ProcessRecord.MemoryUse()
    for line in status.split(separator: UInt8(ascii: "\n")) {
      func bytes(_ name: String) -> Int? {
        guard line.starts(with: name.utf8) else { return nil }
        return number(line.dropFirst(name.utf8.count)).flatMap { $0 < 1 << 50 ? $0 << 10 : nil }
      }
      use.residentBytes = use.residentBytes ?? bytes("VmRSS:")
      use.virtualBytes = use.virtualBytes ?? bytes("VmSize:")
    }
    return use
  }

  /// The number that a text begins with; nil for a word.
  static func number(_ text: some Collection<UInt8>) -> Int? {
    let digits = text.drop { $0 == 0x20 || $0 == 0x09 }.prefix { (0x30...0x39).contains($0) }
    return Int(String(decoding: digits, as: UTF8.self))
  }
}

/// What the control group of a process may use of memory, where there is a limit to it.
///
/// Read where the collector sees the same files: on the host, or beside the process in its container.
enum ControlGroupMemory {
  /// The names of the files, of the second version and of the first.
  private struct Files {
    var root: String
    var limit: String
    var use: String
    var events: String
  }

  private static let second = Files(
    root: "/sys/fs/cgroup", limit: "memory.max", use: "memory.current", events: "memory.events")
  private static let first = Files(
    root: "/sys/fs/cgroup/memory", limit: "memory.limit_in_bytes", use: "memory.usage_in_bytes",
    events: "memory.oom_control")
  /// The first version's word for no limit: LONG_MAX, rounded down to a page of at most 64 KiB.
  private static let unlimited = Int.max - 0xffff
  /// Groups within groups.
  private static let depthLimit = 64

  /// - Parameter cgroup: /proc/PID/cgroup, lines of `number:controllers:path` (cgroups(7)).
  static func read(cgroup: [UInt8], into use: inout ProcessRecord.MemoryUse) {
    for line in cgroup.split(separator: UInt8(ascii: "\n")) {
      let parts = line.split(
        separator: UInt8(ascii: ":"), maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      let path = String(decoding: parts[2], as: UTF8.self)
      if parts[1].isEmpty {
        read(second, path, into: &use)
      } else if parts[1].split(separator: UInt8(ascii: ",")).contains(where: {
        $0.elementsEqual("memory".utf8)
      }) {
        read(first, path, into: &use)
      }
    }
  }

  /// The narrowest limit of the group and those around it: in a container the path may be the host's, and the
  /// root of what we see its own.
  private static func read(
    _ files: Files, _ path: String, into use: inout ProcessRecord.MemoryUse
  ) {
    var names = path.split(separator: "/")
    // Outside of what we see.
    guard !names.contains(".."), names.count <= depthLimit else { return }
    while true {
      let group = files.root + names.map { "/" + $0 }.joined()
      func value(_ name: String) -> Int? {
        ProcessDirectory.read(path: "\(group)/\(name)", limit: 64).flatMap(ProcessResources.number)
      }
      if let limit = value(files.limit), limit < unlimited, limit < use.groupLimitBytes ?? .max {
        use.groupLimitBytes = limit
        use.groupBytes = value(files.use)
        use.groupKills = kills("\(group)/\(files.events)")
      }
      if names.popLast() == nil { return }
    }
  }

  /// `oom_kill N` among other lines.
  private static func kills(_ path: String) -> Int? {
    let text = ProcessDirectory.read(path: path, limit: 4096) ?? []
    let name = "oom_kill ".utf8
    return text.split(separator: UInt8(ascii: "\n")).first { $0.starts(with: name) }
      .flatMap { ProcessResources.number($0.dropFirst(name.count)) }
  }
}
