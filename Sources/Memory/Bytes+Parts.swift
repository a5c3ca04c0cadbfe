extension Collection<UInt8> {
  /// Where `part` begins first in these bytes; nil where it does not occur. For strings' `utf8`: what strings
  /// have for it would bring all of regular expressions into the collector.
  public func firstIndex(ofPart part: some Collection<UInt8>) -> Index? {
    guard let first = part.first else { return startIndex }
    var rest = self[...]
    while let start = rest.firstIndex(of: first) {
      rest = rest[start...]
      if rest.starts(with: part) { return start }
      rest = rest.dropFirst()
    }
    return nil
  }

  /// Whether `part` occurs in these bytes.
  public func contains(part: some Collection<UInt8>) -> Bool {
    firstIndex(ofPart: part) != nil
  }

  /// These bytes with every `part` replaced, from the first on.
  public func replacing(part: some Collection<UInt8>, with other: some Collection<UInt8>) -> [UInt8]
  {
    var result: [UInt8] = []
    result.reserveCapacity(count)
    var rest = self[...]
    while let next = rest.first {
      if !part.isEmpty, rest.starts(with: part) {
        result += other
        rest = rest.dropFirst(part.count)
      } else {
        result.append(next)
        rest = rest.dropFirst()
      }
    }
    return result
  }
}
