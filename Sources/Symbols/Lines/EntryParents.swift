internal import CElfutils

/// Finds what entries (DIEs) lie in: they do not say it themselves.
///
/// An entry's children lie one after the other, each with all that is in it, so of every level only the
/// list of addresses is needed. libdw's `dwarf_getscopes_die` walks the unit from its beginning, each
/// time: 80% of the time that 550 names of 50 C++ units took.
struct EntryParents {
  /// By parent, ascending. Kept from one unit to the next: what several share lies in a unit of its own.
  private var children: [UnsafeMutableRawPointer: [UnsafeMutableRawPointer]] = [:]

  /// Children of one entry, 8 bytes each here. A large C++ unit has some 20,000.
  private static let childrenLimit = 4_000_000

  /// The entries around `entry`, the unit first and the nearest last; none if it is not found in its unit.
  mutating func parents(of entry: inout Dwarf_Die, _ isPastDeadline: () -> Bool) -> [Dwarf_Die] {
    var parent = Dwarf_Die()
    guard let wanted = entry.addr, dwarf_diecu(&entry, &parent, nil, nil) != nil else { return [] }
    var parents: [Dwarf_Die] = []
    while parent.addr != wanted {
      guard parents.count < LineSearch.Limit.depth,
        let inside = children(of: &parent, isPastDeadline)
      else { return [] }
      parents.append(parent)
      let after = inside.firstIndex(above: wanted)
      guard after > 0 else { return [] }
      parent = Dwarf_Die()
      parent.addr = inside[after - 1]
      parent.cu = entry.cu
    }
    return parents
  }

  /// Nil if they are too many, or the time is over.
  private mutating func children(
    of parent: inout Dwarf_Die, _ isPastDeadline: () -> Bool
  ) -> [UnsafeMutableRawPointer]? {
    guard let key = parent.addr else { return nil }
    if let known = children[key] { return known }
    var found: [UnsafeMutableRawPointer] = []
    var child = Dwarf_Die()
    var status = dwarf_child(&parent, &child)
    // A sibling is where the file says: never further back, or this would not end.
    while status == 0, let address = child.addr, address > found.last ?? key {
      guard found.count < EntryParents.childrenLimit,
        found.count % 4096 != 4095 || !isPastDeadline()
      else { return nil }
      found.append(address)
      var next = Dwarf_Die()
      status = dwarf_siblingof(&child, &next)
      child = next
    }
    children[key] = found
    return found
  }
}

extension [UnsafeMutableRawPointer] {
  /// In ascending pointers.
  fileprivate func firstIndex(above wanted: UnsafeMutableRawPointer) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if self[middle] > wanted { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
