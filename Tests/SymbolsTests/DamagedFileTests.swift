import Foundation
import Memory
import Testing

@testable import Symbols

/// Files come from the target: whatever is in them, the look-up ends, and without a crash.
@Suite struct DamagedFileTests {
  let lab: Lab
  let path: String
  let good: [UInt8]
  let image: Image
  let addresses: [UInt64]

  init() throws {
    lab = try Lab()
    try lab.write(CompiledProgramTests.c, to: "c.c")
    try lab.run("gcc", "-O0", "-Wl,--build-id=sha1", "c.c", "-o", "c")
    // With everything that we parse: a debuglink and a .gnu_debugdata beside a .dynsym.
    try lab.run("objcopy", "-S", "--keep-symbol=inner", "c", "data")
    try lab.run("xz", "data")
    try lab.run("objcopy", "--only-keep-debug", "c", "c.debug")
    try lab.run("strip", "-o", "s", "c")
    try lab.run(
      "objcopy", "--add-gnu-debuglink=c.debug", "--add-section", ".gnu_debugdata=data.xz", "s")
    path = lab.path("c")
    good = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    image = try Symbols_image(path)
    addresses = try Function.all(in: path).map(\.start)
  }

  private func look(at bytes: [UInt8], image: Image) -> SymbolResult {
    let descriptor = memfd(bytes)
    let symbolizer = Symbolizer(
      open: { $0.base == 0 && $0.end == 0 ? nil : dup(descriptor) }, debugRoot: "/none")
    let result = symbolizer.resolve(addresses, in: image)
    close(descriptor)
    return result
  }

  private func memfd(_ bytes: [UInt8]) -> CInt {
    let path = lab.path("damaged")
    let descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    var written = 0
    while written < bytes.count {
      written += bytes[written...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    }
    return descriptor
  }

  /// Without build-id and segments, so that damage gets past the first check.
  private var trusting: Image {
    var image = image
    image.buildID = nil
    image.segments = []
    return image
  }

  @Test func undamagedFileIsNamed() {
    #expect(look(at: good, image: trusting).symbols.count == Set(addresses).count)
  }

  @Test func truncatedAnywhere() throws {
    for file in [path, lab.path("s")] {
      let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: file)))
      for length in Array(0..<128) + Array(stride(from: 128, to: bytes.count, by: 97)) {
        let result = look(at: Array(bytes[..<length]), image: trusting)
        #expect(!result.problems.isEmpty, "\(length) bytes of \(bytes.count)")
      }
    }
  }

  @Test func headersWithFlippedBytes() throws {
    for file in [path, lab.path("s")] {
      let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: file)))
      let table = Int(
        bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 40, as: UInt64.self) })
      for offset in Array(0..<64) + Array(64..<64 + 56 * 4) + Array(table..<bytes.count) {
        // Every byte of the headers to something else, a different one each time.
        var damaged = bytes
        damaged[offset] = [0xff, 0, 0x80, damaged[offset] &+ 1][offset % 4]
        _ = look(at: damaged, image: trusting)
      }
    }
  }

  @Test func randomDamageEverywhere() throws {
    var random = SystemRandomNumberGenerator()
    let stripped = Array(try Data(contentsOf: URL(fileURLWithPath: lab.path("s"))))
    for round in 0..<400 {
      var damaged = round % 2 == 0 ? good : stripped
      for _ in 0..<40 {
        damaged[Int.random(in: 16..<damaged.count, using: &random)] = .random(
          in: 0...255, using: &random)
      }
      _ = look(at: damaged, image: trusting)
    }
  }

  /// `unw_get_proc_name` never came back from it.
  @Test(arguments: [UInt64(0), 1, 23, 25, .max])
  func symbolsOfAnotherSize(entrySize: UInt64) throws {
    var damaged = good
    let table = good.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 40, as: UInt64.self) }
    let count = good.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 60, as: UInt16.self) }
    for index in 0..<Int(count) {
      let at = Int(table) + index * 64
      let type = good.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: at + 4, as: UInt32.self) }
      guard type == 2 || type == 11 else { continue }
      withUnsafeBytes(of: entrySize) { damaged.replaceSubrange(at + 56..<at + 64, with: $0) }
    }
    let result = look(at: damaged, image: trusting)
    #expect(result.symbols.isEmpty)
    guard case .unreadable = try #require(result.problems.first).problem else {
      Issue.record("\(result.problems)")
      return
    }
  }
}

/// `image(of:)`, where a property of the same name hides it.
private func Symbols_image(_ path: String) throws -> Image { try image(of: path) }
