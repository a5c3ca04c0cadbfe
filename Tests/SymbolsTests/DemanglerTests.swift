import Foundation
import Testing

@testable import Symbols

@Suite struct DemanglerTests {
  private func demangle(_ names: String...) -> [String?] {
    Demangler.demangle(names, isPastDeadline: { false })
  }

  @Test(arguments: [
    (
      "_ZNSt6vectorIiSaIiEE9push_backEOi",
      "std::vector<int, std::allocator<int> >::push_back(int&&)"
    ),
    ("_ZN1a3fooEv.constprop.0", "a::foo() [clone .constprop.0]"),
    ("_ZN4core3fmt5write17h0123456789abcdefE", "core::fmt::write"),
    ("_ZN4core3fmt5write17h0123456789abcdefE.llvm.123", "core::fmt::write"),
    ("_RNvCskwGfYPst2Cb_3foo16example_function", "foo::example_function"),
    ("_RINvNtC3std3mem8align_ofjE", "std::mem::align_of::<usize>"),
    ("$s4main3FooV3baryS2iF", "main.Foo.bar(Swift.Int) -> Swift.Int"),
    ("$S4main3FooV3baryS2iF", "main.Foo.bar(Swift.Int) -> Swift.Int"),
    ("_T04main3barSiyF", "main.bar() -> Swift.Int"),
  ])
  func knownNames(raw: String, expected: String) {
    #expect(demangle(raw) == [expected])
  }

  /// Field bug 27: names lost because demangling failed.
  @Test(arguments: [
    "main", "_Z", "_ZN", "_R", "$s", "$sxyz", "_Zfoo", "_ZN3foo", "", "_", "R", "a@b",
    // Go's and D's: nobody's mangling that we know.
    "main.(*words).Less", "main.generic[go.shape.string_0]", "runtime.deferCallSave",
    "_D4main3fooFZv",
  ])
  func whatIsNotMangledStays(raw: String) {
    #expect(demangle(raw) == [nil])
    let named = SymbolNaming.name([raw], isPastDeadline: { false })[0]
    #expect(named.name == raw.prefix { $0 != "@" })
  }

  @Test func versionIsNotPartOfTheName() {
    let named = SymbolNaming.name(["_Z1fi@@V_2.34"], isPastDeadline: { false })[0]
    #expect(named.name == "f(int)")
    #expect(named.raw == "_Z1fi@@V_2.34")
  }

  /// p<p<p<…, S>, S>, S>: every level doubles.
  static func bomb(_ levels: Int, pack: Bool) -> String {
    func substitution(_ n: Int) -> String {
      n == 0 ? "S_" : "S" + String(n - 1, radix: 36).uppercased() + "_"
    }
    var type = "S_IiiE"
    for level in 1..<levels { type = "S_I" + type + substitution(level) + "E" }
    return (pack ? "_Z1fIJiEEvDp" : "_Z1f") + "1pI" + type + substitution(levels) + "E"
  }

  @Test func expandingCxxNameIsCut() throws {
    let raw = Self.bomb(30, pack: false)
    #expect(raw.utf8.count < 235)
    let start = ContinuousClock.now
    let name = try #require(demangle(raw)[0])
    #expect(name.hasPrefix("f(p<p<p<"))
    #expect(name.hasSuffix("…"))
    #expect(name.utf8.count <= SymbolName.limit)
    #expect(ContinuousClock.now - start < .seconds(5))
  }

  @Test func expandingTimeIsCutAndCostsNobodyElse() {
    let bad = Self.bomb(80, pack: true)
    let start = ContinuousClock.now
    let honest = "_ZN1aIS_S_S_S_S_S_S_S_S_S_S_S_E1bEv"
    let names = demangle("_ZN1a3fooEv", bad, honest, "_ZN1a3barEv")
    #expect(names[0] == "a::foo()")
    #expect(names[1] == nil || names[1]!.hasSuffix("…"))
    #expect(names[2] == "a<a, a, a, a, a, a, a, a, a, a, a, a>::b()")
    #expect(names[3] == "a::bar()")
    #expect(ContinuousClock.now - start < .seconds(5))
  }

  /// Tuples of twice the tuple inside, by back references to where that one begins in the name.
  static func rustBomb(_ levels: Int) -> String {
    let digits = Array("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    let prefix = "INvC1a1f"
    var name = prefix + String(repeating: "T", count: levels) + "hhE"
    for level in (0..<levels - 1).reversed() {
      name += "B\(digits[prefix.utf8.count + level])_E"  // "_" is 0, "0_" 1
    }
    return "_R" + name + "E"
  }

  /// P<P<P<Int, Int>, itself>, itself>, as swiftc spells it.
  static func swiftBomb(_ levels: Int) -> String {
    let letters = Array("EFGHIJKLMNOPQRSTUVWXYZ")
    return "$s1a1fyyAA1PVy" + String(repeating: "ADy", count: levels - 1) + "S2iG"
      + letters[..<(levels - 1)].map { "A\($0)G" }.joined() + "F"
  }

  @Test func expandingRustAndSwiftNamesAreCut() throws {
    #expect(
      demangle(Self.swiftBomb(3)) == [
        "a.f(a.P<a.P<a.P<Swift.Int, Swift.Int>, a.P<Swift.Int, Swift.Int>>, a.P<a.P<Swift.Int, Swift.Int>, a.P<Swift.Int, Swift.Int>>>) -> ()"
      ])
    #expect(demangle(Self.rustBomb(3)) == ["a::f::<(((u8, u8), (u8, u8)), ((u8, u8), (u8, u8)))>"])
    let start = ContinuousClock.now
    let lifetimes = "_RMC1aFGzzzzzzzzz_Eu"
    let names = demangle(
      Self.rustBomb(40), Self.swiftBomb(22), lifetimes, "$s4main3FooV3baryAAF",
      "_RNvC1a1G")
    #expect(names[0]?.hasSuffix("…") == true)
    for name in names { #expect((name?.utf8.count ?? 0) <= SymbolName.limit) }
    #expect(names[4] == "a::G")
    #expect(ContinuousClock.now - start < .seconds(5))
  }

  @Test func onlyRiskyNamesNeedAChild() {
    #expect(!Demangler.mayUnfold("_ZNSt6vectorIiSaIiEE9push_backEOi", .cxx))
    #expect(!Demangler.mayUnfold("_RINvNtC3std3mem8align_ofjE", .rust))
    #expect(!Demangler.mayUnfold(Self.swiftBomb(3), .swift))
    for language in [Demangler.Language.cxx, .rust, .swift] {
      #expect(Demangler.mayUnfold(String(repeating: "6abcdef", count: 150), language))
    }
    #expect(Demangler.mayUnfold(Self.bomb(12, pack: true), .cxx))
    #expect(Demangler.mayUnfold(Self.rustBomb(12), .rust))
    #expect(Demangler.mayUnfold(Self.swiftBomb(12), .swift))
    #expect(Demangler.mayUnfold("$s1a1fyyA2000BF", .swift))
  }

  /// What is left to this process takes no time, whatever it is.
  @Test func namesThatSeemHarmlessAre() {
    let start = ContinuousClock.now
    for levels in 1...12 {
      _ = demangle(
        Self.bomb(levels, pack: true), Self.bomb(levels, pack: false), Self.rustBomb(levels),
        Self.swiftBomb(levels))
    }
    #expect(ContinuousClock.now - start < .seconds(5))
  }

  @Test func longNamesAreCutAndMarked() throws {
    let long = String(repeating: "é", count: 20_000)
    let named = SymbolNaming.name([long], isPastDeadline: { false })[0]
    #expect(named.name.hasSuffix("é…"))
    #expect(named.name.utf8.count <= SymbolName.limit)
    #expect(try #require(named.raw).utf8.count <= SymbolName.rawLimit)
    #expect(try #require(named.raw).hasSuffix("é…"))
  }

  /// Beyond libiberty's recursion limit, real C++ goes on.
  @Test func longCxxNamesAreDemangled() throws {
    let raw = "_ZN" + String(repeating: "6abcdef", count: 170) + "1fEv"
    #expect(raw.utf8.count > 1100)
    #expect(demangle(raw)[0] == String(repeating: "abcdef::", count: 170) + "f()")
  }

  @Test func randomNamesDoNoHarm() {
    var random = SystemRandomNumberGenerator()
    let seeds = [
      "_ZNSt6vectorIiSaIiEE9push_backEOi", Self.bomb(6, pack: true),
      "_RNvMs_NtCs1234_7mycrateINtB4_3VecpE3new", "$s4main3FooV3baryS2iFAA",
      "_ZN4core3fmt5write17h0123456789abcdefE",
    ]
    var names: [String] = []
    for _ in 0..<2000 {
      var bytes = Array(seeds.randomElement(using: &random)!.utf8)
      for _ in 0..<3 {
        bytes[Int.random(in: 1..<bytes.count, using: &random)] =
          Array("_0123456789STIEJDpABGRvKLZxyu".utf8).randomElement(using: &random)!
      }
      names.append(String(decoding: bytes, as: UTF8.self))
    }
    #expect(Demangler.demangle(names, isPastDeadline: { false }).count == names.count)
  }
}
