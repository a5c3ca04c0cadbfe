// SPDX-License-Identifier: Apache-2.0
import Foundation

/// The functions of a file as binutils sees them.
struct SymbolTable: Sendable {
  struct Function: Sendable {
    var start: UInt64
    var end: UInt64
    var name: String
  }

  /// By start.
  private let functions: [Function]
  let buildID: String?
  let entry: UInt64

  static func of(_ path: String) async throws -> SymbolTable { try await known.value(path) }

  private static let known = Once<String, SymbolTable> { path in
    // Code with a size only; a stripped file has no more than its dynamic symbols.
    let script = """
      { nm -S --defined-only "$1"; nm -D -S --defined-only "$1"; } 2>/dev/null \
      | awk 'NF == 4 && $3 ~ /^[TtWwi]$/' | sort -u
      """
    let symbols = try await Program.output(["sh", "-c", script, "sh", path])
    let header = try await Program.output(["readelf", "-W", "-h", "-n", path])
    return SymbolTable(symbols: symbols, header: header)
  }

  private init(symbols: String, header: String) {
    functions = symbols.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      guard words.count == 4, let start = UInt64(words[0], radix: 16),
        let size = UInt64(words[1], radix: 16), size > 0
      else { return nil }
      return Function(start: start, end: start + size, name: String(words[3].prefix { $0 != "@" }))
    }
    func value(_ label: String) -> String? {
      header.split(separator: "\n").first { $0.contains(label) }
        .flatMap { $0.split(separator: ":").last }
        .map { $0.trimmingCharacters(in: .whitespaces) }
    }
    buildID = value("Build ID:")
    entry = value("Entry point address:").flatMap { UInt64($0.dropFirst(2), radix: 16) } ?? 0
  }

  /// All functions that cover an offset.
  func covering(_ offset: UInt64) -> [Function] {
    functions.filter { $0.start <= offset && offset < $0.end }
  }
}
