internal import CElfutils
import Glibc

/// Finds, in one pass over a unit's tree of entries (DIEs), the function and the inlined calls around each
/// of a set of addresses.
///
/// libdw's `dwarf_getscopes` is such a pass per address.
struct EntryWalk {
  /// By address, the function first, then the inlined calls inwards.
  private(set) var calls: [UInt64: [Dwarf_Die]] = [:]
  private(set) var entriesLeft: Int
  private(set) var isPastDeadline = false
  /// Whether to look for functions anywhere, and not only where C and C++ have them.
  private var isThorough = false

  init(entriesLeft: Int) {
    self.entriesLeft = entriesLeft
  }

  /// - Parameter addresses: ascending, all of them in the unit.
  mutating func run(_ root: Dwarf_Die, _ addresses: [UInt64], _ isPastDeadline: () -> Bool) {
    visit(childrenOf: root, addresses, inside: [], depth: 0, isPastDeadline)
    let rest = addresses.filter { calls[$0] == nil }
    guard !rest.isEmpty, !isOver else { return }
    // Rust has methods inside of types, Fortran and GNU C functions inside of functions.
    isThorough = true
    visit(childrenOf: root, rest, inside: [], depth: 0, isPastDeadline)
  }

  private var isOver: Bool { isPastDeadline || entriesLeft <= 0 }

  private mutating func visit(
    childrenOf parent: Dwarf_Die, _ addresses: [UInt64], inside chain: [Dwarf_Die], depth: Int,
    _ isPastDeadline: () -> Bool
  ) {
    var parent = parent
    var entry = Dwarf_Die()
    guard depth < LineSearch.Limit.depth, dwarf_child(&parent, &entry) == 0 else { return }
    while true {
      entriesLeft -= 1
      if entriesLeft % 4096 == 0, isPastDeadline() { self.isPastDeadline = true }
      if isOver { return }
      var within = chain
      let covered: [UInt64]
      switch dwarf_tag(&entry) {
      case CInt(DW_TAG_subprogram), CInt(DW_TAG_inlined_subroutine):
        covered = DwarfRanges.addresses(addresses, in: &entry)
        if !covered.isEmpty {
          if dwarf_tag(&entry) == CInt(DW_TAG_subprogram) { within = [] }
          within.append(entry)
          for address in covered { calls[address] = within }
        } else if isThorough, chain.isEmpty {
          visit(childrenOf: entry, addresses, inside: [], depth: depth + 1, isPastDeadline)
        }
      case CInt(DW_TAG_lexical_block), CInt(DW_TAG_try_block), CInt(DW_TAG_catch_block),
        CInt(DW_TAG_with_stmt):
        covered = chain.isEmpty ? [] : DwarfRanges.addresses(addresses, in: &entry)
      case CInt(DW_TAG_namespace), CInt(DW_TAG_module):
        covered = addresses
      default:
        covered = isThorough && chain.isEmpty ? addresses : []
      }
      if !covered.isEmpty {
        visit(childrenOf: entry, covered, inside: within, depth: depth + 1, isPastDeadline)
      }
      var next = Dwarf_Die()
      guard dwarf_siblingof(&entry, &next) == 0 else { return }
      entry = next
    }
  }
}

/// The code that an entry stands for.
enum DwarfRanges {
  /// Those of `addresses` that are in it.
  ///
  /// - Parameter addresses: ascending.
  static func addresses(_ addresses: [UInt64], in entry: inout Dwarf_Die) -> [UInt64] {
    guard let first = addresses.first, let last = addresses.last else { return [] }
    var found: [UInt64] = []
    var offset = 0
    var base: Dwarf_Addr = 0
    var start: Dwarf_Addr = 0
    var end: Dwarf_Addr = 0
    for _ in 0..<LineSearch.Limit.ranges {
      offset = dwarf_ranges(&entry, offset, &base, &start, &end)
      guard offset > 0 else { break }
      // What a linker has dropped, it says to be at 0, where no code is.
      guard start > 0, start <= last, end > first else { continue }
      found += addresses.filter { start <= $0 && $0 < end && !found.contains($0) }
    }
    return found.count > 1 ? found.sorted() : found
  }

  /// Where one enters a function.
  static func entry(of function: inout Dwarf_Die) -> UInt64? {
    var entry: Dwarf_Addr = 0
    if dwarf_entrypc(&function, &entry) == 0 { return entry }
    // In several parts: the first is the one that was not moved away.
    var base: Dwarf_Addr = 0
    var end: Dwarf_Addr = 0
    return dwarf_ranges(&function, 0, &base, &entry, &end) > 0 ? entry : nil
  }
}
