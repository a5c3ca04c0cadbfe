/// Finds the longest run of repeating frames while a walk goes on: recursion, whose millions of frames
/// are one thing to say. Keeps no frames. Recursion through more than three functions in turn is not folded.
struct RepeatTracker {
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
  /// The last three, the newest first.
  private var recent: (UInt64, UInt64, UInt64) = (0, 0, 0)
  /// Length of the run that is going on, by period.
  private var current: (Int, Int, Int) = (0, 0, 0)
  private var longest: Run?

  mutating func note(_ ip: UInt64) {
    current.0 = length(after: current.0, period: 1, goesOn: recent.0 == ip)
    current.1 = length(after: current.1, period: 2, goesOn: recent.1 == ip)
    current.2 = length(after: current.2, period: 3, goesOn: recent.2 == ip)
    recent = (ip, recent.0, recent.1)
    count += 1
  }

  /// The length of the run of one period, with the frame that has just come.
  private mutating func length(after length: Int, period: Int, goesOn: Bool) -> Int {
    guard goesOn, count >= period else { return 0 }
    let length = max(length, period) + 1
    // A run of period 1 is one of period 2 and 3 as well: the shorter period comes first and wins.
    if length >= Self.minimumLength, length > longest?.length ?? 0 {
      longest = Run(period: period, start: count + 1 - length, length: length)
    }
    return length
  }

  var run: Run? { longest }
}
