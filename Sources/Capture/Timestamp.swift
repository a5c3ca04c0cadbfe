import CLinux

/// RFC 3339 times in UTC, without Foundation's calendar.
enum Timestamp {
  /// Seconds since 1970, with fractions.
  static func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// `2026-11-21T03:04:05.678Z`.
  static func text(secondsSince1970 seconds: Double) -> String {
    var whole = time_t(seconds.rounded(.down))
    let milliseconds = Int((seconds - seconds.rounded(.down)) * 1000)
    var parts = tm()
    gmtime_r(&whole, &parts)
    func padded(_ number: some BinaryInteger, _ width: Int) -> String {
      let digits = String(number)
      return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    let date = "\(parts.tm_year + 1900)-\(padded(parts.tm_mon + 1, 2))-\(padded(parts.tm_mday, 2))"
    let time = "\(padded(parts.tm_hour, 2)):\(padded(parts.tm_min, 2)):\(padded(parts.tm_sec, 2))"
    return "\(date)T\(time).\(padded(milliseconds, 3))Z"
  }
}
