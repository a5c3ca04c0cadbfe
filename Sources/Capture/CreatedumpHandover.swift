import CLinux
import Glibc

/// The real createdump, which is run in our place afterwards, as the runtime had wanted it.
public struct CreatedumpHandover: Sendable {
  public var path: String
  /// Its whole argument vector.
  public var arguments: [String]
  /// True when the user had asked the runtime for dumps.
  public var userWantsDumps: Bool

  public init(path: String, arguments: [String], userWantsDumps: Bool) {
    self.path = path
    self.arguments = arguments
    self.userWantsDumps = userWantsDumps
  }

  /// Executes it in place, so that it has the process id which the runtime waits for and has declared as
  /// its tracer. Returns only if that is not wanted or not possible.
  public func executeIfWanted(signals: SignalState) {
    switch Settings.createdump {
    case .never: return
    case .auto where !userWantsDumps: return
    default: break
    }
    // Set by the shim for us, not for createdump: what the user had comes back.
    let saved = "INQUEST_SAVED_SWIFT_BACKTRACE"
    if let value = getenv(saved) {
      setenv("SWIFT_BACKTRACE", value, 1)
      unsetenv(saved)
    } else {
      unsetenv("SWIFT_BACKTRACE")
    }
    signals.restore()
    var vector: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
    vector.append(nil)
    execve(path, vector, inquest_environment())
    Console.complain(
      "the real createdump could not be run: \(path): \(String(cString: strerror(errno)))")
  }
}

/// Signal dispositions and mask as the collector was given them.
public struct SignalState: Sendable {
  private var state = inquest_signal_state()

  /// Takes note of them, and puts the process in order: defaults, nothing blocked, SIGPIPE ignored.
  public static func takeOver() -> SignalState {
    var result = SignalState()
    inquest_reset_signals(&result.state)
    return result
  }

  public func restore() {
    withUnsafePointer(to: state) { inquest_restore_signals($0) }
  }
}

/// What a process inherits from a service that it did not choose to be started by.
public enum Inheritance {
  /// Descriptors 0, 1 and 2 exist (a file opened later must not become somebody's standard error), and
  /// none beyond them: the runtime leaks many, and a pipe kept open can hang whoever reads it.
  ///
  /// A closed one stays as useless as it was: /dev/null the wrong way round, so that a report written
  /// to a closed standard output is an error and not lost.
  public static func putDescriptorsInOrder() {
    for descriptor in 0...2 as ClosedRange<CInt> where fcntl(descriptor, F_GETFD) < 0 {
      _ = inquest_openat(AT_FDCWD, "/dev/null", descriptor == 0 ? O_WRONLY : O_RDONLY, 0)
    }
    inquest_close_from(3)
    umask(0o077)
    inquest_keep_heap()
  }
}
