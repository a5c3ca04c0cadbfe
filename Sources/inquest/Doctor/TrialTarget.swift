import CLinux
import Glibc

/// The process that doctor tries things on. No subcommand, since it is not for users: neither help
/// nor completions nor the manual show it.
enum TrialTarget {
  static let name = "trial-target"
  /// The exit status of a trial process whose crash was handled.
  static let crashed: Int32 = 100

  static func play(_ role: String) throws(Failure) {
    switch role {
    case "wait":
      try Console.print("\(getpid())\n")
      // Never longer than the trial, even if doctor is killed.
      sleep(60)
    case "preloaded":
      let maps = ProcFile.text("/proc/self/maps") ?? ""
      try Console.print(maps.contains("/" + Layout.preloadName) ? "yes\n" : "no\n")
    case "crash":
      alarm(60)
      crashOnPurpose()
    default: throw Failure("doctor has no trial \"\(role)\"")
    }
  }

  // Set once before the fault, read in the handler of the only thread.
  nonisolated(unsafe) fileprivate static var launch:
    UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
}

/// Faults, and lets a signal handler do what CoreCLR's does (facts/createdump.md, "How it is
/// spawned"): fork, execve of "createdump" in the child, permission to trace and a wait in the
/// parent.
func crashOnPurpose() -> Never {
  let pid = "\(getpid())"
  let words = [
    "/nonexistent/createdump", pid, "--signal", "11", "--crashthread", pid, "--code", "1",
    "--errno", "0", "--address", "8",
  ]
  TrialTarget.launch = (words.map { strdup($0) } + [nil]).withUnsafeBufferPointer { source in
    let copy = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: source.count)
    copy.initialize(from: source.baseAddress!, count: source.count)
    return copy
  }
  signal(SIGSEGV) { _ in
    let child = inquest_fork()
    if child == 0 {
      execve("/nonexistent/createdump", TrialTarget.launch!, inquest_environment())
      _exit(127)
    }
    _ = inquest_prctl(PR_SET_PTRACER, UInt(child))
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0, errno == EINTR {}
    // Not by the signal: that would leave a core file or wake the system's own crash handler.
    _exit(TrialTarget.crashed)
  }
  UnsafeMutablePointer<UInt8>(bitPattern: 8)!.pointee = 1
  _exit(1)
}
