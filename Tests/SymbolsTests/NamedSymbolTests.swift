import Foundation
import Memory
import Testing

@testable import Symbols

/// Symbols by name, compared with nm; names of types, with c++filt.
@Suite struct NamedSymbolTests {
  private let symbolizer = Symbolizer(open: openPath)

  private static let libc = ["/lib/x86_64-linux-gnu/libc.so.6", "/lib/aarch64-linux-gnu/libc.so.6"]
    .first { FileManager.default.isReadableFile(atPath: $0) }

  @Test(.enabled(if: libc != nil), arguments: ["__abort_msg", "environ", "malloc", "stdout"])
  func anAddressIsNms(name: String) throws {
    let libc = try #require(Self.libc)
    let lines = try Lab.run(["nm", "-D", "--defined-only", libc]).split(separator: "\n")
    let line = try #require(
      lines.first {
        $0.split(separator: " ").last?.split(separator: "@").first.map(String.init) == name
      })
    let value = try #require(UInt64(line.prefix(16), radix: 16))
    let bias: UInt64 = 0x7f00_0000_0000
    #expect(symbolizer.address(of: name, in: try image(of: libc, bias: bias)) == value + bias)
  }

  /// Nor the end of another name, nor one that is only used, nor a thread's own.
  @Test(.enabled(if: libc != nil), arguments: ["_abort_msg_", "abort_msg", "alloc", "", "errno"])
  func anotherNameIsNotFound(name: String) throws {
    let libc = try #require(Self.libc)
    #expect(symbolizer.address(of: name, in: try image(of: libc, bias: 0)) == nil)
  }

  @Test(arguments: [
    "i", "PKc", "St13runtime_error", "N4shop5EmptyE", "NSt8ios_base7failureB5cxx11E",
    "N4shop3OddINSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEEEE", "Z4mainE5Local",
  ])
  func aTypeIsCxxfilts(name: String) throws {
    let truth = try Lab.run(["c++filt", "-t", name]).split(separator: "\n").first
    #expect(TypeName.demangle(name) == truth.map(String.init))
  }

  @Test(arguments: ["", "not a type", "St", "N4shop", "i\u{1b}"])
  func whatIsNoTypeHasNoName(name: String) {
    #expect(TypeName.demangle(name) == nil)
  }
}
