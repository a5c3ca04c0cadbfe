import CLinux

/// A point of CLOCK_MONOTONIC, in nanoseconds: stage times, the freeze, the deadline.
public struct Instant: Sendable, Comparable {
  public var nanoseconds: UInt64

  public init(nanoseconds: UInt64) {
    self.nanoseconds = nanoseconds
  }

  public static var now: Instant {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Instant(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
  }

  public static func < (left: Instant, right: Instant) -> Bool {
    left.nanoseconds < right.nanoseconds
  }

  public func advanced(byMilliseconds milliseconds: Double) -> Instant {
    Instant(nanoseconds: nanoseconds &+ UInt64(max(0, milliseconds) * 1_000_000))
  }

  /// Milliseconds from `earlier` to this point; 0 if it lies before.
  public func milliseconds(since earlier: Instant) -> Double {
    nanoseconds > earlier.nanoseconds
      ? Double(nanoseconds - earlier.nanoseconds) / 1_000_000 : 0
  }

  /// Sleeps the calling thread; a signal may cut it short.
  public static func sleep(microseconds: Int) {
    usleep(UInt32(clamping: microseconds))
  }
}
