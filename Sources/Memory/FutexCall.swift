/// What a thread that is blocked in futex(2) asked for.
public struct FutexCall: Sendable, Equatable {
  /// The word that it waits for.
  public var word: UInt64
  /// What the word had to hold for the thread to wait. Of no meaning where the kernel itself hands out the lock.
  public var expected: UInt32

  public init(word: UInt64, expected: UInt32) {
    self.word = word
    self.expected = expected
  }
}
