/// Bytes that come in pieces: those of a report of thousands of threads are not copied together only to be
/// written.
public protocol ReportContents {
  /// Hands out one piece after the other; together they are all of it.
  func forEachPiece<E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> Void) throws(E)
}

extension Array: ReportContents where Element == UInt8 {
  public func forEachPiece<E: Error>(
    _ body: (UnsafeRawBufferPointer) throws(E) -> Void
  ) throws(E) {
    // withUnsafeBytes does not hand on a typed error.
    let result: Result<Void, E> = withUnsafeBytes { buffer in
      do throws(E) { return .success(try body(buffer)) } catch { return .failure(error) }
    }
    try result.get()
  }
}
