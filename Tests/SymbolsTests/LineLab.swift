import Foundation
import Memory
import Symbols
import Testing

/// A call as a symbolizer says it: innermost first, the function that has the code last.
struct Call: Equatable, CustomStringConvertible {
  var function: String
  /// `file:line` or `file:line:column`; nil where there is none.
  var place: String?
  var description: String { "\(function) at \(place ?? "?")" }
}

/// What other people say about the places of code.
enum LineTruth {
  /// By LLVM, with columns.
  static func llvm(_ path: String, _ addresses: [UInt64]) throws -> [UInt64: [Call]] {
    let text = try Lab.run(
      ["llvm-symbolizer", "--no-demangle", "--inlines", "--addresses", "--obj=" + path],
      input: lines(addresses))
    var calls: [UInt64: [Call]] = [:]
    for block in text.split(separator: "\n\n") {
      let rows = block.split(separator: "\n").map(String.init)
      guard let address = UInt64(rows[0].dropFirst(2), radix: 16) else { continue }
      calls[address] = pairs(rows.dropFirst()) { place in
        let parts = place.split(separator: ":").map(String.init)
        guard parts.count == 3, parts[0] != "??", parts[1] != "0" else { return nil }
        let file = shortened(parts[0])
        return "\(file):\(parts[1])" + (parts[2] == "0" ? "" : ":\(parts[2])")
      }
    }
    return calls
  }

  /// By binutils' BFD, without columns.
  static func binutils(_ path: String, _ addresses: [UInt64]) throws -> [UInt64: [Call]] {
    let text = try Lab.run(["addr2line", "-a", "-i", "-f", "-e", path], input: lines(addresses))
    var calls: [UInt64: [Call]] = [:]
    for block in ("\n" + text).split(separator: "\n0x") {
      let rows = block.split(separator: "\n").map(String.init)
      guard let address = UInt64(rows[0].replacing("0x", with: ""), radix: 16) else { continue }
      calls[address] = pairs(rows.dropFirst()) { place in
        let place = place.prefix { $0 != " " }
        return place.hasPrefix("??") || place.hasSuffix(":?") || place.hasSuffix(":0")
          ? nil : String(place)
      }
    }
    return calls
  }

  /// By gdb's `info line`, which knows of no inlined calls: `file:line`.
  static func gdb(_ path: String, _ addresses: [UInt64]) throws -> [UInt64: String] {
    var script = "set width 0\nset filename-display absolute\n"
    for address in addresses {
      let text = "0x" + String(address, radix: 16)
      script += "echo \(text)\\n\ninfo line *\(text)\n"
    }
    let file = path + ".gdb"
    try script.write(toFile: file, atomically: true, encoding: .utf8)
    let text = try Lab.run(["gdb", "-nx", "-batch", "-x", file, path])
    var places: [UInt64: String] = [:]
    var address: UInt64 = 0
    for line in text.split(separator: "\n") {
      if let match = line.firstMatch(of: #/^0x([0-9a-f]+)$/#) {
        address = UInt64(match.1, radix: 16) ?? 0
      } else if let match = line.firstMatch(of: #/^Line (\d+) of "([^"]+)"/#) {
        places[address] = "\(match.2):\(match.1)"
      }
    }
    return places
  }

  /// gdb does so too.
  private static func shortened(_ path: String) -> String {
    var path = path
    while let up = path.firstMatch(of: #/\/[^\/.][^\/]*\/\.\.\//#) {
      path.replaceSubrange(up.range, with: "/")
    }
    return path
  }

  private static func lines(_ addresses: [UInt64]) -> String {
    addresses.map { "0x" + String($0, radix: 16) + "\n" }.joined()
  }

  private static func pairs(_ rows: ArraySlice<String>, _ place: (String) -> String?) -> [Call] {
    let rows = Array(rows)
    return stride(from: 0, to: rows.count - 1, by: 2).map {
      Call(function: rows[$0], place: place(rows[$0 + 1]))
    }
  }
}

extension CodePlace {
  /// As the truth has it.
  func calls(columns: Bool) -> [Call] {
    func text(_ place: SourcePlace?) -> String? {
      place.map { place in
        "\(place.file):\(place.line)" + (columns ? place.column.map { ":\($0)" } ?? "" : "")
      }
    }
    let inner = inlined.map {
      Call(function: $0.rawFunction ?? $0.function ?? "??", place: text($0.place))
    }
    return inner + [Call(function: function?.raw ?? "??", place: text(place))]
  }
}

extension Lab {
  /// Every `step`th address of the functions that `wanted` chooses, as the file has them.
  func addresses(
    in name: String, step: Int = 1, where wanted: (String) -> Bool = { _ in true }
  ) throws -> [UInt64] {
    let functions = try Function.all(in: path(name)).filter { wanted($0.name) }
    return Set(functions.flatMap { stride(from: $0.start, to: $0.start + $0.size, by: step) })
      .sorted()
  }

  func lines(
    of addresses: [UInt64], in name: String, bias: UInt64 = 0x7f12_3456_7000,
    debugRoot: String = "/nonexistent"
  ) throws -> LineResult {
    let image = try image(of: path(name), bias: bias)
    let symbolizer = Symbolizer(open: openPath, debugRoot: debugRoot)
    var result = symbolizer.lines(
      of: addresses.map { $0 &+ bias }, in: ImageTable([image]), isPastDeadline: { false })
    result.places = Dictionary(
      uniqueKeysWithValues: result.places.map { address, place in
        var place = place
        place.function?.address &-= bias
        return (address &- bias, place)
      })
    return result
  }
}

/// Complains where `found` and the truth differ in calls, files, lines or columns, and in the names of
/// inlined functions: the function itself has the ELF symbol's name.
func compare(
  _ found: [UInt64: CodePlace], with truth: [UInt64: [Call]], columns: Bool, names: Bool,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  var wrong: [String] = []
  for (address, expected) in truth.sorted(by: { $0.key < $1.key }) {
    let ours = found[address]?.calls(columns: columns) ?? []
    if ours.isEmpty, expected.allSatisfy({ $0.place == nil }) { continue }
    let areNamed = zip(ours, expected).dropLast().allSatisfy {
      $0.function == $1.function || $0.function.hasSuffix("::" + $1.function)
    }
    guard ours.map(\.place) == expected.map(\.place), areNamed || !names else {
      wrong.append("\(String(address, radix: 16)): \(ours), not \(expected)")
      continue
    }
  }
  #expect(
    wrong.isEmpty, "\(wrong.count) of \(truth.count):\n\(wrong.prefix(3).joined(separator: "\n"))",
    sourceLocation: sourceLocation)
}
