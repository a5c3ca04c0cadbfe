/// Finds the longest run of repeating frames while a walk goes on: recursion, whose millions of frames
/// are one thing to say. Keeps no frames.
struct RepeatTracker {
  /// Recursion through more functions than this in turn is not folded.
  private static let maximumPeriod = 3
  /// A shorter run is easier to read as it is, in frames.
  private static let minimumLength = 16

  struct Run {
    var period: Int
    /// Position of its first frame.
    var start: Int
    /// How many frames it has.
    var length: Int
    /// How often the cycle occurs in full.
    var times: Int { length / period }
    /// The position after the last full cycle.
    var end: Int { start + times * period }
  }

  private var count = 0
  private var recent: [UInt64] = []
  private var current: [Int] = Array(repeating: 0, count: maximumPeriod + 1)
  private var longest: Run?

  mutating func note(_ ip: UInt64) {
    for period in 1...Self.maximumPeriod where recent.count >= period {
      if recent[recent.count - period] == ip {
        if current[period] == 0 { current[period] = period }
        current[period] += 1
        let length = current[period]
        // A run of period 1 is one of period 2 and 3 as well: the shorter period comes first and wins.
        if length >= Self.minimumLength, length > longest?.length ?? 0 {
          longest = Run(period: period, start: count + 1 - length, length: length)
        }
      } else {
        current[period] = 0
      }
    }
    if recent.count == Self.maximumPeriod { recent.removeFirst() }
    recent.append(ip)
    count += 1
  }

  var run: Run? { longest }
}
