import TestSupport

/// Whether two tools mean the same function. Each rule is a way in which they spell one name differently;
/// none can make two functions one, except where it says so.
enum FunctionName {
  /// What c++filt makes of mangled names, old and new Rust's included (`-i`: without hashes); others stay as
  /// they are.
  static func demangled(_ names: Set<String>) throws -> [String: String] {
    let sorted = names.filter { !$0.isEmpty }.sorted()
    guard !sorted.isEmpty else { return [:] }
    let text = try output(of: ["c++filt", "-i", "-n", "--"] + sorted)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    guard lines.count == sorted.count + 1 else {
      throw TestFailure("c++filt: \(lines.count) lines")
    }
    return Dictionary(uniqueKeysWithValues: zip(sorted, lines))
  }

  static func isMangled(_ name: String) -> Bool { name.hasPrefix("_Z") || name.hasPrefix("_R") }

  /// The linker's name without what gcc and LLVM append to parts and copies of a function: `.cold`,
  /// `.part.0`, `.constprop.0`, `.isra.0`, `.lto_priv.0`, `.actor`, `.llvm.123`. Debug information names
  /// the function, the symbol table this piece of it. Go's linker appends `.abi0` to assembly. A symbol's version, `@@GLIBC_2.34`, goes too.
  static func withoutClone(_ raw: String) -> String {
    let plain = String(raw.prefix { $0 != "@" })
    let suffix =
      /(\.(cold|part|constprop|isra|lto_priv|actor|destroy|resume|cleanup|llvm|localalias|abi0)(\.\d+)*)+$/
    guard let match = plain.firstMatch(of: suffix), match.range.lowerBound > plain.startIndex else {
      return plain
    }
    return String(plain[..<match.range.lowerBound])
  }

  /// Two of the names that C code gave to one address: `__libc_start_main_impl`, `__libc_start_main`.
  static func areAliases(_ one: String, _ other: String) -> Bool {
    let (one, other) = (one.drop { $0 == "_" }, other.drop { $0 == "_" })
    return one.contains(other) || other.contains(one)
  }

  /// The last component of a demangled name, without parameters and template arguments: `operator()` of
  /// `shop::sell()::{lambda(int)#1}::operator()(int) const`. Where gdb has no linker's name, it writes
  /// scopes, types and parameters in a manner of its own.
  static func base(_ demangled: String) -> String {
    var text = Substring(demangled)
    // " [clone .cold]", as demanglers say it.
    if let clone = text.firstRange(of: " [clone") { text = text[..<clone.lowerBound] }
    // A lambda's own scope may hold anything; its members come after it.
    var components: [String] = []
    var current = ""
    var depth = 0
    var index = text.startIndex
    while index < text.endIndex {
      let rest = text[index...]
      if depth == 0, current.hasSuffix("operator"),
        let symbol = Self.operators.first(where: { rest.hasPrefix($0) })
      {
        current += symbol
        index = text.index(index, offsetBy: symbol.count)
        continue
      }
      let character = text[index]
      if depth == 0, rest.hasPrefix("::") {
        components.append(current)
        current = ""
        index = text.index(index, offsetBy: 2)
        continue
      }
      if depth == 0, current.isEmpty, rest.hasPrefix("(anonymous namespace)") {
        index = text.index(index, offsetBy: 21)
        continue
      }
      // A scope that is a function: `shop() const::{lambda()#1}`.
      if depth == 0, rest.hasPrefix(" const::") {
        index = text.index(index, offsetBy: 6)
        continue
      }
      // A return type ends at a space of the outermost level, a name at its qualifiers.
      if depth == 0, character == " ", !current.hasSuffix("operator") {
        if rest.hasPrefix(" const") || rest.hasPrefix(" &") || rest.hasPrefix(" [") { break }
        if !current.hasPrefix("operator ") { current = "" }
        index = text.index(after: index)
        continue
      }
      switch character {
      case "<", "(", "{", "[": depth += 1
      case ">", ")", "}", "]": depth -= 1
      default: if depth == 0 { current.append(character) }
      }
      index = text.index(after: index)
    }
    return current.isEmpty ? components.last ?? demangled : current
  }

  /// Longest first.
  private static let operators = [
    "<=>", "()", "[]", "->*", "<<=", ">>=", "<<", ">>", "->", "<=", ">=", "<", ">",
  ]
}
