/// `--name value`, `--flag` and what follows `--`, taken one by one.
struct Options {
  /// What has not been taken yet, before `--`.
  private(set) var words: [String]
  /// What follows `--`.
  let rest: [String]

  init(_ arguments: ArraySlice<String>) {
    let end = arguments.firstIndex(of: "--") ?? arguments.endIndex
    words = Array(arguments[..<end])
    rest = Array(arguments[end...].dropFirst())
  }

  mutating func value(_ name: String) -> String? {
    guard let at = words.firstIndex(of: name), at + 1 < words.count else { return nil }
    let value = words[at + 1]
    words.removeSubrange(at...(at + 1))
    return value
  }

  mutating func flag(_ name: String) -> Bool {
    guard let at = words.firstIndex(of: name) else { return false }
    words.remove(at: at)
    return true
  }

  mutating func pid(_ name: String) -> Int32? {
    value(name).flatMap { Int32($0) }.flatMap { $0 > 0 ? $0 : nil }
  }
}
