import CLinux

/// Work on independent items, shared among the processor's cores.
///
/// Plain threads that have ended when the call returns: a process that forks afterwards has one thread again.
public enum Cores {
  /// How many threads of ours run at once, at most: the target's processors are not ours to fill.
  private static let most = 4

  /// Cores that this process may use (sched_getaffinity(2)), at most ``most``.
  static var count: Int { max(1, min(most, Int(inquest_cores()))) }

  /// Calls `body` for consecutive parts of `0..<count`, which together are all of it, each from one thread. The
  /// first part is the calling thread's own.
  ///
  /// - Parameter least: items that are worth a thread, which takes some 50 µs to start and to end.
  public static func share(
    _ count: Int, atLeast least: Int, _ body: (Range<Int>) -> Void
  ) {
    let parts = min(Self.count, count / max(1, least))
    guard parts > 1 else { return body(0..<count) }
    let ranges = (0..<parts).map { count * $0 / parts..<count * ($0 + 1) / parts }
    withoutActuallyEscaping(body) { body in
      var jobs = ranges.map { Job(body: body, range: $0) }
      jobs.withUnsafeMutableBufferPointer { jobs in
        for index in jobs.indices.dropFirst() {
          let started = inquest_start_thread(
            &jobs[index].thread,
            { job in
              job?.assumingMemoryBound(to: Job.self).pointee.run()
              return nil
            }, jobs.baseAddress.map { $0 + index })
          jobs[index].isStarted = started == 0
        }
        jobs[0].run()
        for index in jobs.indices.dropFirst() {
          // A target that may start no thread, whose limits are ours: one after the other.
          if jobs[index].isStarted {
            pthread_join(jobs[index].thread, nil)
          } else {
            jobs[index].run()
          }
        }
      }
    }
  }

  private struct Job {
    let body: (Range<Int>) -> Void
    let range: Range<Int>
    var thread = pthread_t()
    var isStarted = false

    func run() { body(range) }
  }
}
