import CLinux
import Glibc
import Store

/// What the kernel and the surroundings allow.
struct SystemChecks {
  private let status = ProcFile.fields("/proc/self/status")

  var all: [Check] {
    [kernel, surroundings, seccomp, yama, reports, memory, disassembler]
  }

  /// Whether this process may trace others whoever they are.
  var mayTraceAnyone: Bool {
    let capabilities = status["CapEff"].flatMap { UInt64($0, radix: 16) } ?? 0
    return capabilities & (1 << 19) != 0  // CAP_SYS_PTRACE
  }

  var yamaScope: Int? {
    ProcFile.text("/proc/sys/kernel/yama/ptrace_scope").flatMap { Int($0) }
  }

  private var kernel: Check {
    var name = utsname()
    uname(&name)
    let release = withUnsafeBytes(of: name.release) { Self.text($0) }
    let machine = withUnsafeBytes(of: name.machine) { Self.text($0) }
    let version = release.split(separator: ".").prefix(2).compactMap { Int($0) }
    guard
      version.count < 2 || version[0] > 4 || version == [4, 4] || version[0] == 4 && version[1] > 4
    else {
      return .warning(
        "kernel", "Linux \(release) is old; 4.4 is the least we know", remedy: "update")
    }
    return .ok("kernel", "Linux \(release), \(machine)")
  }

  private static func text(_ bytes: UnsafeRawBufferPointer) -> String {
    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }

  private var surroundings: Check {
    let user = geteuid() == 0 ? "root" : "user \(geteuid())"
    let signs = [
      ("/.dockerenv", "Docker"), ("/run/.containerenv", "Podman"),
      ("/var/run/secrets/kubernetes.io", "Kubernetes"),
    ]
    let found = signs.filter { access($0.0, F_OK) == 0 }.map(\.1)
    let place =
      found.isEmpty ? "no sign of a container" : "in a container (\(found.joined(separator: ", ")))"
    return .ok("place", "\(place), running as \(user)")
  }

  /// Good to have: a report is complete without it.
  private var disassembler: Check {
    let library = "libcapstone.so.4"
    guard let handle = dlopen(library, RTLD_LAZY | RTLD_LOCAL) else {
      return .ok("Capstone", "\(library) is not installed: an instruction is shown as bytes")
    }
    dlclose(handle)
    return .ok("Capstone", "\(library) is installed: the instruction at a fault is disassembled")
  }

  private var seccomp: Check {
    switch status["Seccomp"] {
    case "0", nil: .ok("seccomp", "no filter")
    case "2": .ok("seccomp", "a filter is active; the trials below show what it lets through")
    case let mode?:
      .problem(
        "seccomp", "strict mode (\(mode)) forbids nearly everything",
        remedy: "start the service without it", permission: true)
    }
  }

  private var yama: Check {
    let name = "Yama"
    let root = mayTraceAnyone ? "; we have CAP_SYS_PTRACE" : ""
    switch yamaScope {
    case nil: return .ok(name, "not in this kernel: processes of one user may trace each other")
    case 0: return .ok(name, "ptrace_scope 0: processes of one user may trace each other")
    case 1 where mayTraceAnyone: return .ok(name, "ptrace_scope 1\(root)")
    case 1:
      return .warning(
        name,
        "ptrace_scope 1: crashes can be reported, since the runtime lets its child trace it; "
          + "\"inquest capture\" of other processes cannot",
        remedy: "run \"inquest capture\" as root")
    case 2 where mayTraceAnyone:
      return .warning(
        name, "ptrace_scope 2: only processes with CAP_SYS_PTRACE can be reported on",
        remedy: "for services of other users: sysctl kernel.yama.ptrace_scope=1")
    case 2:
      return .problem(
        name, "ptrace_scope 2: only CAP_SYS_PTRACE may trace, and we do not have it",
        remedy: "sysctl kernel.yama.ptrace_scope=1, or give the service CAP_SYS_PTRACE",
        permission: true)
    case let scope?:
      return .problem(
        name, "ptrace_scope \(scope): nobody may trace until the next boot",
        remedy: "boot with kernel.yama.ptrace_scope=1", permission: true)
    }
  }

  private var reports: Check {
    let name = "reports"
    let why =
      Console.environment("INQUEST_DIR").map { $0.isEmpty } ?? true
      ? "the default for " + (geteuid() == 0 ? "root" : "this user") : "INQUEST_DIR"
    let directory = ReportDirectory(
      path: ReportDirectory.standard(environment: Console.environment, userID: geteuid()))
    do throws(StoreError) {
      try directory.prepare()
    } catch {
      return .problem(name, Failure(error), otherwise: "set INQUEST_DIR")
    }
    var space = statvfs()
    if statvfs(directory.path, &space) == 0 {
      let free = UInt64(space.f_bavail) &* UInt64(space.f_frsize)
      if free < 64 << 20 {
        return .warning(
          name, "\(directory.path) (\(why)) is writable, with only \(free >> 20) MiB left",
          remedy: "free some space, or set INQUEST_DIR to another disk")
      }
    }
    return .ok(name, "\(directory.path) (\(why)) is writable")
  }

  /// The inspector reads through this call, and seccomp filters like to forbid it.
  private var memory: Check {
    let name = "memory"
    let expected: [UInt8] = Array("inquest!".utf8)
    var copy = [UInt8](repeating: 0, count: expected.count)
    let count = expected.withUnsafeBytes { source in
      inquest_read_memory(
        getpid(), UInt64(UInt(bitPattern: source.baseAddress)), &copy, copy.count)
    }
    guard count == expected.count, copy == expected else {
      return .problem(
        name, "process_vm_readv fails: \(String(cString: strerror(errno)))",
        remedy: "let the seccomp profile allow process_vm_readv and ptrace", permission: true)
    }
    return .ok(name, "process_vm_readv works")
  }
}

/// Small files of /proc.
enum ProcFile {
  static func text(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    guard var bytes = Console.read(descriptor, limit: 1 << 20) else { return nil }
    while bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// `Name:\tvalue` lines.
  static func fields(_ path: String) -> [String: String] {
    var result: [String: String] = [:]
    for line in (text(path) ?? "").split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { continue }
      result[String(parts[0])] = String(parts[1].drop { $0 == "\t" || $0 == " " })
    }
    return result
  }
}
