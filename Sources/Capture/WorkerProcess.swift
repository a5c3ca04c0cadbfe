import CLinux
import Glibc
import Inferior

/// A worker in a process of its own, and the supervisor's end of its socket.
///
/// Whatever the worker was doing when it is killed, the kernel releases the threads that it held.
struct WorkerProcess: ~Copyable {
  /// How a worker ended.
  enum End: Equatable {
    case finished
    case died(signal: Int32)
    case exited(status: Int32)
    /// Killed by us, because a stage took too long.
    case hung
  }

  private let pid: pid_t
  private let socket: CInt

  private init(pid: pid_t, socket: CInt) {
    self.pid = pid
    self.socket = socket
  }

  /// Forks a worker that runs `body` and exits; nil if the system has no room for one.
  static func start(_ body: (_ socket: CInt) -> Void) -> WorkerProcess? {
    var pair: (CInt, CInt) = (-1, -1)
    let made = withUnsafeMutablePointer(to: &pair) {
      $0.withMemoryRebound(to: CInt.self, capacity: 2) { inquest_socket_pair($0) }
    }
    guard made == 0 else { return nil }
    let pid = inquest_fork()
    if pid == 0 {
      // The worker must never outlive its supervisor: nobody would read it, nor end it.
      _ = inquest_prctl(PR_SET_PDEATHSIG, UInt(SIGKILL))
      inquest_forbid_core()
      close(pair.0)
      body(pair.1)
      _exit(0)
    }
    close(pair.1)
    guard pid > 0 else {
      close(pair.0)
      return nil
    }
    return WorkerProcess(pid: pid, socket: pair.0)
  }

  /// Hands every message to `accept` until the worker has said all, or ends, or `limit` says that it takes too
  /// long. ``finish()`` is to be called after it.
  ///
  /// - Parameter limit: the point at which a stage that begins now, of this name, has had its time.
  borrowing func follow(
    limit: (String?) -> Instant, accept: (FactKind, [UInt8]) -> Void
  ) -> End {
    var parser = FactParser()
    let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
    defer { chunk.deallocate() }
    var isDone = false
    var end = limit(nil)
    while true {
      let left = end.milliseconds(since: .now)
      if left <= 0 {
        kill(pid, SIGKILL)
        _ = reap()
        return .hung
      }
      guard inquest_poll(socket, Int16(POLLIN), CInt(min(left + 1, 60000))) == 1 else { continue }
      let count = read(socket, chunk.baseAddress, chunk.count)
      if count < 0, errno == EINTR { continue }
      if count <= 0 { return reap() }
      parser.take(UnsafeRawBufferPointer(rebasing: chunk[..<count])) { kind, payload in
        accept(kind, payload)
        if kind == .stage { end = limit(String(decoding: payload, as: UTF8.self)) }
        isDone = isDone || kind == .done || kind == .refused
      }
      // It takes a millisecond to give back all that it has, in which the report can be written.
      if isDone { return .finished }
    }
  }

  /// Waits for the worker's end: whoever adopts what we leave behind may be a PID 1 that waits for nobody.
  consuming func finish() {
    close(socket)
    _ = reap()
  }

  /// Waits for the end of a worker that has closed its socket or has been killed. One that hangs in the
  /// kernel even so is left to init: the service must not wait for it.
  private func reap() -> End {
    var status: CInt = 0
    for attempt in 0..<10_000 {
      let result = waitpid(pid, &status, WNOHANG)
      if result == pid { break }
      if result < 0, errno != EINTR { return .hung }
      if attempt == 5000 { kill(pid, SIGKILL) }
      if attempt == 9999 { return .hung }
      Instant.sleep(microseconds: 100)
    }
    if inquest_signaled(status) != 0 { return .died(signal: inquest_term_signal(status)) }
    let code = inquest_exit_status(status)
    return code == 0 ? .finished : .exited(status: code)
  }
}
