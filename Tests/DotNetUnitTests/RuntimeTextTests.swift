import Foundation
import TestSupport
import Testing

@testable import DotNet

/// Text that the runtimes print, against what they say by other means of the same thing.
@Suite struct RuntimeTextTests {
  /// What Words.dll says on a runtime.
  private static func words(_ version: String, _ short: String) throws -> [Substring] {
    let scratch = try Scratch()
    let tool = try Lab.buildTool(in: scratch)
    for folder in ["in", "out"] {
      try FileManager.default.createDirectory(
        atPath: scratch.file(folder), withIntermediateDirectories: true)
    }
    let fixtures = Places.repository + "/Tests/Fixtures/dotnet"
    _ = try output(
      of: [
        "mcs", "-unsafe", "-debug", "-out:" + scratch.file("in/Words.dll"), fixtures + "/Words.cs",
      ], timeout: 60)
    _ = try output(of: [
      "mono", tool, "beside", scratch.file("in/Words.dll"), scratch.file("out/Words.dll"),
    ])
    try FileManager.default.copyItem(
      atPath: fixtures + "/runtimeconfig-\(short).json",
      toPath: scratch.file("out/Words.runtimeconfig.json"))
    return try output(
      of: ["\(Lab.runtimes)/\(version)/dotnet", scratch.file("out/Words.dll")],
      environment: ["TMPDIR": scratch.path], timeout: 60
    ).split(separator: "\n", omittingEmptySubsequences: false)
  }

  private static let both = Result { try [words("8.0.4", "8.0"), words("3.1.23", "3.1")] }

  /// `Type.ToString()` from `Type.FullName`, which has the assemblies of type arguments.
  @Test(arguments: [0, 1]) func typesAsTheRuntimePrintsThem(runtime: Int) throws {
    var changed = 0
    let lines = try Self.both.get()[runtime].filter { $0.hasPrefix("T") }
    #expect(lines.count == 18)
    for line in lines {
      let parts = line.dropFirst().split(separator: "\t").map(String.init)
      // An open type's has its parameters in it, which nothing that is thrown has.
      guard parts.count == 2, !parts[1].contains("TKey") else { continue }
      #expect(ManagedName.reflected(parts[0]) == parts[1])
      // As the DAC writes it: an assembly's simple name alone.
      let simple = parts[0].replacing(/, Version=[^\]]*/, with: "")
      #expect(ManagedName.reflected(simple) == parts[1])
      if parts[0] != parts[1] { changed += 1 }
    }
    #expect(changed >= 12)
  }

  @Test(arguments: [0, 1]) func tracesAsTheRuntimePrintsThem(runtime: Int) throws {
    let lines = try Self.both.get()[runtime]
    var (exceptions, odd, withLines) = (0, 0, 0)
    for part in lines.split(whereSeparator: { $0.hasPrefix("X") }).dropFirst() {
      exceptions += 1
      let text = part.filter { $0.hasPrefix("|") }.map { $0.dropFirst() }.joined(separator: "\n")
      let printed = PrintedTrace.lines(text)
      // The frames that print no line of their own: the runtime hides parts of its awaiting.
      let frames = part.filter { $0.hasPrefix("F") }.map {
        $0.dropFirst().split(separator: "\t", omittingEmptySubsequences: false)
      }
      let places = frames.filter { !$0[1].isEmpty }.map { "\($0[1]):\($0[2])" }
      let found = printed.compactMap { line in line.file.map { "\($0):\(line.line ?? -1)" } }
      #expect(found == places)
      for line in printed where line.file != nil {
        withLines += 1
        #expect(line.method.hasSuffix(")") && !line.method.contains(" in "))
        if line.file?.contains("Odd:line 3.cs") == true { odd += 1 }
      }
      for line in printed where line.file == nil {
        #expect(!line.method.contains(":line") && line.line == nil)
      }
      #expect(printed.count == text.split(separator: "\n").filter { $0.contains("   at ") }.count)
    }
    #expect(exceptions == 5)
    #expect(odd == 1)
    #expect(withLines >= 8)
  }
}

/// The same by hand: what no runtime prints on a good day.
@Suite struct PrintedTextTests {
  @Test(
    arguments: [
      ("", []), ("nothing", []), ("   at ", [""]), ("   at A.B()", ["A.B()"]),
      (
        "at A.B()\r\n   --- End of stack trace from previous location ---\r\n   at C.D()",
        ["A.B()", "C.D()"]
      ),
      ("   at A.B() in /x.cs", ["A.B() in /x.cs"]),
      ("   at A.B() in /x.cs:line", ["A.B() in /x.cs:line"]),
      (
        "   at A.B() in /x.cs:line 99999999999999999999",
        ["A.B() in /x.cs:line 99999999999999999999"]
      ),
      ("   at A.B:line 3", ["A.B:line 3"]), ("   at ) in :line 3", [") | :3"]),
      ("   at A.B() in /x.cs:line 3", ["A.B() | /x.cs:3"]),
      ("   at A.B() in C:\\x y\\x.cs:line 3", ["A.B() | C:\\x y\\x.cs:3"]),
      // The runtime's words for "no line".
      ("   at A.B() in /x.cs:line 0", ["A.B()"]), ("   at A.B() in /x.cs:line -7", ["A.B()"]),
      ("   at A.B(C c) in /a) in b:line 2/x.cs:line 3", ["A.B(C c) | /a) in b:line 2/x.cs:3"]),
    ] as [(String, [String])])
  func lines(text: String, expected: [String]) {
    let lines = PrintedTrace.lines(text).map { line in
      line.file.map { "\(line.method) | \($0):\(line.line ?? -1)" } ?? line.method
    }
    #expect(lines == expected)
  }

  @Test func aTraceIsNoLongerThanItsLimit() {
    let text = String(repeating: "   at A.B() in /x.cs:line 1\n", count: 700)
    #expect(PrintedTrace.lines(text).count == 500)
  }

  @Test(arguments: [
    ("Shop.Basket`1.Fold(T x)", "Shop.Basket<…>.Fold"), ("Words.Main()", "Words.Main"),
    ("Words.<>c.<Main>b__5_0()", "Words.Main+lambda"),
    (
      "System.Collections.Generic.List`1.RemoveAt(Int32 index)",
      "System.Collections.Generic.List<…>.RemoveAt"
    ), ("A..ctor()", "A..ctor"),
  ])
  func spoken(method: String, expected: String) {
    #expect(PrintedTrace.spoken(method) == expected)
  }

  /// Names that are none come out as they are.
  @Test(arguments: [
    "", "A", "[[", "]]", "A[[", "A[[B", "A[[B]", "A[[B, C]", "A[[B, C]]]", "A[[B, C]][",
    "A[[B, C],",
    "A[[B, C],]", "A[[B, C],x]", "A[[B, C]]x]", "A[x][[B, C]]",
    String(repeating: "A[[", count: 500),
    String(repeating: "A[[", count: 70) + "X" + String(repeating: ", Y]]", count: 70),
  ])
  func brokenTypeNames(name: String) {
    #expect(ManagedName.reflected(name) == name)
  }

  @Test func escapedCharactersOfTypeNames() {
    #expect(ManagedName.reflected(#"A[[B\]\,\[, C]]"#) == #"A[B\]\,\[]"#)
  }

  @Test(.timeLimit(.minutes(5))) func changedTextIsNoTrap() {
    var random = Xorshift(seed: 21)
    let alphabet = Array("[],`1\\*& \n():in line3at".utf8)
    var (changed, frames) = (0, 0)
    for round in 0..<40_000 {
      var text = Array(
        round % 2 == 0
          ? "A`2[[B`1[[C[,], D]], E],[F, G]]" : "   at A.B(C d) in /x.cs:line 3\n   at E.F()"
      )
      .map(\.utf8).flatMap { Array($0) }
      for _ in 0...random.below(5) {
        let at = random.below(text.count)
        if random.below(2) == 0 {
          text[at] = alphabet[random.below(alphabet.count)]
        } else {
          text.insert(alphabet[random.below(alphabet.count)], at: at)
        }
      }
      let string = String(decoding: text, as: UTF8.self)
      let name = ManagedName.reflected(string)
      if name != string { changed += 1 }
      #expect(name.utf8.count <= string.utf8.count)
      for line in PrintedTrace.lines(string) {
        frames += 1
        #expect((line.file == nil) == (line.line == nil) && (line.line ?? 1) > 0)
        _ = PrintedTrace.spoken(line.method)
      }
    }
    #expect(changed > 1000 && frames > 10_000)
  }
}
