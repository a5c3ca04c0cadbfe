import CLinux

/// Why a process could not be read.
public enum InferiorError: Error, Equatable, Sendable {
  /// No process has this pid (any more).
  case noSuchProcess(pid: Int32)
  /// The kernel refused to let us trace it.
  case notPermitted(pid: Int32, Refusal)
  /// It ended while it was being stopped.
  case vanished(pid: Int32)
  /// A kernel thread has no memory of its own to read.
  case kernelThread(pid: Int32)
  /// /proc shows another PID namespace than the one we live in: its pids are other processes'.
  case foreignProc
}

/// What stands in the way of ptrace(2), as far as /proc tells.
public enum Refusal: Equatable, Sendable {
  /// A seccomp filter refuses the call itself, whoever it is about.
  case filtered
  /// Another process traces it already.
  case tracedBy(pid: Int32)
  /// Yama's ptrace_scope is this value (1: descendants only, 2: administrators only, 3: nobody).
  case yama(scope: Int)
  /// It belongs to this user, and we are not root.
  case otherUser(id: UInt32)
  /// Same user, yet not dumpable: PR_SET_DUMPABLE 0, a set-user-id program, or file capabilities.
  case notDumpable
  /// Nothing above: a security module.
  case unknown(errno: Int32)
}

extension InferiorError: CustomStringConvertible {
  /// One line: what is wrong.
  public var description: String {
    switch self {
    case .noSuchProcess(let pid): "there is no process \(pid)"
    case .notPermitted(let pid, let refusal): "not permitted to read process \(pid): \(refusal)"
    case .vanished(let pid): "process \(pid) ended while it was being read"
    case .foreignProc: "/proc is not that of this PID namespace"
    case .kernelThread(let pid): "process \(pid) is a kernel thread and has no stack of its own"
    }
  }

  /// One line: what would help.
  public var remedy: String {
    switch self {
    case .noSuchProcess: "check the pid; in a container use the pid as seen from here"
    case .vanished: "nothing: run it under `inquest run` to catch its end"
    case .foreignProc: "mount one: mount -t proc proc /proc"
    case .kernelThread: "read /proc/PID/stack as root instead"
    case .notPermitted(_, let refusal): refusal.remedy
    }
  }
}

extension Refusal: CustomStringConvertible {
  public var description: String {
    switch self {
    case .filtered: "a filter of system calls (seccomp) forbids ptrace"
    case .tracedBy(let pid): "process \(pid) (a debugger, or strace) traces it already"
    case .yama(let scope): "the kernel's Yama module restricts ptrace (ptrace_scope is \(scope))"
    case .otherUser(let id): "it belongs to user \(id)"
    case .notDumpable:
      "it has made itself undumpable (PR_SET_DUMPABLE, set-user-id or capabilities)"
    case .unknown(let number):
      "\(String(cString: strerror(number))) (a security module?)"
    }
  }

  public var remedy: String {
    switch self {
    case .filtered:
      "allow ptrace in the seccomp profile (systemd: SystemCallFilter=; Docker: --cap-add=SYS_PTRACE)"
    case .tracedBy: "end the debugger first"
    case .yama(let scope) where scope >= 3: "reboot with kernel.yama.ptrace_scope below 3"
    case .yama: "run as root, or set kernel.yama.ptrace_scope=0"
    case .otherUser: "run as that user or as root"
    case .notDumpable: "run as root"
    case .unknown: "grant CAP_SYS_PTRACE"
    }
  }

  /// Finds out why ptrace was refused with `errno`.
  static func find(_ directory: borrowing ProcessDirectory, errno number: Int32) -> Refusal {
    // Nobody traces himself: ESRCH (ptrace(2)), unless a filter answers.
    if inquest_ptrace(INQUEST_PTRACE_INTERRUPT, getpid(), 0, nil) != ESRCH { return .filtered }
    let status = directory.status()
    if let tracer = status?.tracerPID, tracer != 0 { return .tracedBy(pid: tracer) }
    let me = geteuid()
    if let owner = status?.userID, owner != me, me != 0 { return .otherUser(id: owner) }
    if let text = ProcessDirectory.read(path: "/proc/sys/kernel/yama/ptrace_scope", limit: 16),
      let scope = Int(String(decoding: text, as: UTF8.self).prefix { $0.isNumber }), scope > 0,
      me != 0 || scope >= 3
    {
      return .yama(scope: scope)
    }
    if me != 0 { return .notDumpable }
    return .unknown(errno: number)
  }
}
