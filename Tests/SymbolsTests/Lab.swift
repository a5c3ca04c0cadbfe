import Foundation
import Memory
import Testing

@testable import Symbols

/// A directory for one test: compilers and binutils work in it, and it is gone afterwards.
final class Lab {
  let directory: URL

  init() throws {
    directory = FileManager.default.temporaryDirectory
      .appendingPathComponent("symbols-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(at: directory)
  }

  func path(_ name: String) -> String { directory.appendingPathComponent(name).path }

  @discardableResult
  func write(_ text: String, to name: String) throws -> String {
    try text.write(toFile: path(name), atomically: true, encoding: .utf8)
    return path(name)
  }

  /// Runs a tool in the directory and returns what it prints.
  @discardableResult
  func run(_ command: String..., input: String? = nil) throws -> String {
    try Lab.run(command, in: directory, input: input)
  }

  /// All of a file whose size is unknown beforehand, such as those in /proc.
  static func readAll(_ path: String) throws -> Data {
    try #require(try FileHandle(forReadingFrom: URL(fileURLWithPath: path)).readToEnd())
  }

  static func run(_ command: [String], in directory: URL? = nil, input: String? = nil) throws
    -> String
  {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    process.currentDirectoryURL = directory
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    if let input {
      let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
      try input.write(to: file, atomically: true, encoding: .utf8)
      process.standardInput = try FileHandle(forReadingFrom: file)
      try FileManager.default.removeItem(at: file)
    } else {
      process.standardInput = FileHandle.nullDevice
    }
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "\(command.prefix(8)) failed")
    return String(decoding: text, as: UTF8.self)
  }
}

/// Opens what is at the image's path, as a collector in the same mount namespace would.
func openPath(_ image: Image) -> CInt? {
  let descriptor = open(image.path, O_RDONLY | O_CLOEXEC)
  return descriptor >= 0 ? descriptor : nil
}

/// The image that a process has which maps the ELF file at `path`, moved by `bias`.
func image(of path: String, bias: UInt64 = 0) throws -> Image {
  let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
  func load<T: BitwiseCopyable>(_ type: T.Type, _ offset: Int) -> T {
    bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: type) }
  }
  let headers = Int(load(UInt64.self, 32))
  var segments: [ElfSegment] = []
  for index in 0..<Int(load(UInt16.self, 56)) {
    let at = headers + index * 56
    segments.append(
      ElfSegment(
        type: load(UInt32.self, at), flags: load(UInt32.self, at + 4),
        offset: load(UInt64.self, at + 8), address: load(UInt64.self, at + 16),
        fileSize: load(UInt64.self, at + 32), memorySize: load(UInt64.self, at + 40)))
  }
  let mappings = segments.filter { $0.type == ElfSegment.load }.map { segment in
    Mapping(
      start: (segment.address + bias) & ~4095,
      end: (segment.address + segment.memorySize + bias + 4095) & ~4095,
      permissions: segment.flags & 1 != 0 ? "r-xp" : "r--p", offset: segment.offset & ~4095,
      inode: 1, path: path)
  }
  return Image(
    kind: .elf, path: path, base: mappings[0].start, end: mappings.last!.end, loadBias: bias,
    mappings: mappings, segments: segments, buildID: try buildID(of: path))
}

func buildID(of path: String) throws -> [UInt8]? {
  let notes = try Lab.run(["readelf", "-n", path])
  guard let found = notes.firstMatch(of: #/Build ID: ([0-9a-f]+)/#) else { return nil }
  let digits = Array(found.1)
  return stride(from: 0, to: digits.count, by: 2).map {
    UInt8(String(digits[$0...$0 + 1]), radix: 16)!
  }
}

/// A function as `nm` sees it, which reads symbol tables with BFD.
struct Function {
  var start: UInt64
  var size: UInt64
  var name: String

  static func all(in path: String, dynamic: Bool = false) throws -> [Function] {
    let arguments =
      ["nm", "-S", "--defined-only", "--without-symbol-versions"] + (dynamic ? ["-D"] : [])
    return try Lab.run(arguments + [path]).split(separator: "\n").compactMap { line in
      let fields = line.split(separator: " ", maxSplits: 3)
      guard fields.count == 4, "TtWwi".contains(fields[2]),
        let start = UInt64(fields[0], radix: 16),
        let size = UInt64(fields[1], radix: 16), size > 0
      else { return nil }
      return Function(start: start, size: size, name: String(fields[3]))
    }
  }
}

extension Symbol {
  var raw: String { rawName ?? name }
}

extension Symbolizer {
  func resolve(_ addresses: [UInt64], in image: Image) -> SymbolResult {
    resolve(addresses, in: ImageTable([image]), isPastDeadline: { false })
  }
}

/// Looks up the first and the last byte of every function and compares with `nm`: what is named must
/// be one of the functions that hold the byte, with its start, and nothing may be missing.
func compareWithNM(
  _ path: String, dynamic: Bool = false, bias: UInt64 = 0x7f12_3456_7000,
  symbolizer: Symbolizer = Symbolizer(open: openPath, debugRoot: "/nonexistent"),
  image given: Image? = nil, truth: String? = nil, sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let functions = try Function.all(in: truth ?? path, dynamic: dynamic)
  try #require(!functions.isEmpty, sourceLocation: sourceLocation)
  let image = try given ?? image(of: path, bias: bias)
  let addresses = Set(functions.flatMap { [$0.start, $0.start + $0.size - 1] })
  let result = symbolizer.resolve(addresses.map { $0 &+ image.loadBias }, in: image)
  #expect(result.problems.isEmpty, sourceLocation: sourceLocation)
  var wrong: [String] = []
  let sorted = functions.sorted { $0.start < $1.start }
  for address in addresses {
    let holding = sorted.filter { $0.start <= address && address < $0.start + $0.size }
    let symbol = result.symbols[address &+ image.loadBias]
    // nm cannot tell a versioned name from one with an @ in it; compare what comes before.
    let raw = symbol?.raw.prefix { $0 != "@" }
    if !holding.contains(where: {
      $0.name.prefix { $0 != "@" } == raw ?? "" && $0.start &+ image.loadBias == symbol?.address
    }) {
      wrong.append("\(String(address, radix: 16)): \(raw ?? "nothing") not \(holding.map(\.name))")
    }
  }
  #expect(wrong.isEmpty, "\(wrong.prefix(5))", sourceLocation: sourceLocation)
}
