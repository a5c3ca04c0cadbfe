internal import CDemangle
import Glibc

/// Turns the names that linkers see into those that people wrote.
///
/// libiberty for C++ and Rust, the Swift runtime for Swift. Names come from the target's files and
/// can be made to unfold without end, in space and in time (a pack expansion over a shared type
/// takes exponential time: measured 2 ms for 193 bytes, 57 ms for 242, 386 ms for 270), so whatever could is left to a child process that may be killed.
enum Demangler {
  enum Language: UInt8 {
    case cxx, rust, swift

    fileprivate var letter: CChar {
      switch self {
      case .cxx: CChar(UInt8(ascii: "C"))
      case .rust: CChar(UInt8(ascii: "R"))
      case .swift: CChar(UInt8(ascii: "S"))
      }
    }

    /// By the prefix that the language's mangling has, nil for others: C, assembly, Go.
    init?(of name: String) {
      func has(_ prefixes: String...) -> Bool { prefixes.contains { name.hasPrefix($0) } }
      if has("_R") {
        self = .rust
      } else if has("_Z", "__Z", "___Z", "____Z", "_GLOBAL_") {
        self = Language.isLegacyRust(name) ? .rust : .cxx
      } else if has("$s", "$S", "$e", "_$s", "_$S", "_$e", "_T0", "@__swiftmacro_") {
        self = .swift
      } else {
        return nil
      }
    }

    /// `_ZN … 17h<16 hex digits>E`: looks like C++, and reads better as Rust.
    private static func isLegacyRust(_ name: String) -> Bool {
      guard name.hasPrefix("_ZN") else { return false }
      // LLVM may append `.llvm.<number>`.
      let mangled = Array(name.utf8.prefix { $0 != UInt8(ascii: ".") })
      // A legacy name can contain dots of its own; then the hash is at the very end.
      return [mangled, Array(name.utf8)].contains { bytes in
        guard bytes.count > 23, bytes.last == UInt8(ascii: "E") else { return false }
        let hash = bytes.dropLast().suffix(19)
        return hash.starts(with: "17h".utf8)
          && hash.dropFirst(3).allSatisfy {
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
              || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
          }
      }
    }
  }

  /// CPU time that one name may take, in milliseconds. An honest one takes microseconds.
  private static let nameBudget: CInt = 50
  /// How many names may each kill a child before the rest stay as they are.
  private static let childLimit = 4

  /// Demangles each of `names`; nil where a name is not mangled, or cannot be demangled: it is then
  /// best shown as it is (field bug 27). Results are cut at `SymbolName.limit` and then end in `…`.
  static func demangle(_ names: [String], isPastDeadline: () -> Bool) -> [String?] {
    var results: [String?] = Array(repeating: nil, count: names.count)
    var risky: [(index: Int, language: Language)] = []
    for (index, name) in names.enumerated() {
      guard let language = Language(of: name), name.utf8.count <= SymbolName.rawLimit else {
        continue
      }
      if mayUnfold(name, language) {
        risky.append((index, language))
      } else {
        results[index] = demangle(name, language)
      }
    }
    var children = 0
    var next = 0
    while next < risky.count, children < childLimit, !isPastDeadline() {
      let batch = risky[next...].map { (name: names[$0.index], language: $0.language) }
      let delivered = demangleInChild(batch)
      for (offset, text) in delivered.enumerated() { results[risky[next + offset].index] = text }
      // The one that was not delivered is the one that killed it.
      next += delivered.count + 1
      children += 1
    }
    return results
  }

  /// True unless it is plain from the name that the result is short and soon there: counts what may
  /// be a back reference, each of which can at most double what is printed.
  static func mayUnfold(_ name: String, _ language: Language) -> Bool {
    // Beyond this, libiberty wants its recursion limit lifted.
    guard name.utf8.count < 1000 else { return true }
    var references = 0
    var previous: UInt8 = 0
    var isSubstituting = false
    for byte in name.utf8 {
      let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      let isUpper = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
      switch language {
      case .cxx:
        // S_, S0_, St; T_, T0_.
        if previous == UInt8(ascii: "S") || previous == UInt8(ascii: "T"),
          isDigit || isUpper || byte == UInt8(ascii: "_")
        {
          references += 1
        }
      case .rust:
        if byte == UInt8(ascii: "B") { references += 1 }
        // Announces any number of lifetimes.
        if byte == UInt8(ascii: "G") { return true }
      case .swift:
        // A, then any number of small letters and a capital, a reference each.
        if isSubstituting {
          // One with a number is repeated up to 2048 times.
          if isDigit { return true }
          references += 1
          if isUpper { isSubstituting = false }
        } else if byte == UInt8(ascii: "A") {
          isSubstituting = true
        }
      }
      previous = byte
    }
    return references > 8
  }

  /// In this process: only what cannot unfold.
  private static func demangle(_ name: String, _ language: Language) -> String? {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: SymbolName.limit) { buffer in
      let length = cdemangle(language.letter, name, 0, buffer.baseAddress, buffer.count)
      return text(UnsafeRawBufferPointer(buffer), length: length, of: name)
    }
  }

  /// The results for the first so many of `names`: for all, unless one of them was too much.
  ///
  /// They come through shared memory: a pipe costs two writes and a change of process per name.
  private static func demangleInChild(_ names: [(name: String, language: Language)]) -> [String?] {
    var packed: [CChar] = []
    for (name, language) in names {
      packed.append(language.letter)
      packed.append(contentsOf: name.utf8.map { CChar(bitPattern: $0) })
      packed.append(0)
    }
    // A container may not let us have another process, or memory: names as the file has them, then.
    let nothing: [String?] = names.map { _ in nil }
    let size = cdemangle_results_size(names.count, SymbolName.limit)
    guard
      let base = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0),
      base != MAP_FAILED
    else { return nothing }
    let results = UnsafeMutableRawBufferPointer(start: base, count: size)
    defer { munmap(base, size) }
    var alive: CInt = -1
    let pid = cdemangle_in_child(
      packed, names.count, SymbolName.limit, nameBudget, base.assumingMemoryBound(to: CChar.self),
      &alive)
    guard pid > 0 else { return nothing }
    awaitEnd(of: alive)
    close(alive)
    // It has gone, or has to go. Never an unbounded wait: SIGKILL comes first.
    kill(pid, SIGKILL)
    while waitpid(pid, nil, 0) < 0, errno == EINTR {}

    var delivered: [String?] = []
    var at = 0
    while delivered.count < names.count {
      let length = results.loadUnaligned(fromByteOffset: at, as: Int.self)
      // Never reached. The child is ours, but what it ran may have written anywhere.
      guard length != 0 else { break }
      at += MemoryLayout<Int>.size
      let used = max(0, min(length, SymbolName.limit))
      let bytes = UnsafeRawBufferPointer(rebasing: results[at..<at + used])
      delivered.append(text(bytes, length: length, of: names[delivered.count].name))
      at += (used + 7) / 8 * 8
    }
    return delivered
  }

  /// Waits for the end of file on `descriptor`, two seconds at most. Each name has its own limit of
  /// CPU time; this one is for a machine that gives the child none.
  private static func awaitEnd(of descriptor: CInt) {
    var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    while poll(&waiting, 1, 2000) < 0, errno == EINTR {}
  }

  private static func text(
    _ buffer: UnsafeRawBufferPointer, length: Int, of name: String
  ) -> String? {
    guard length > 0 else { return nil }
    if length <= SymbolName.limit {
      let text = String(decoding: buffer[..<length], as: UTF8.self)
      // Swift's demangler gives back what it cannot read.
      return text == name ? nil : text
    }
    return cut(buffer[..<SymbolName.limit], to: SymbolName.limit)
  }

  /// At most `limit` bytes of a text that has more, the last of them `…`, no character broken.
  static func cut(_ text: some Collection<UInt8>, to limit: Int) -> String {
    var bytes = Array(text.prefix(limit - 3))
    var tail = 0
    // Drop a character whose other bytes were cut off: continuation bytes and what leads them.
    while tail < 4, let last = bytes.last, last >= 0x80 {
      bytes.removeLast()
      tail += 1
      if last >= 0xc0 { break }
    }
    return String(decoding: bytes, as: UTF8.self) + "…"
  }
}
