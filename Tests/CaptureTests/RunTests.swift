import Foundation
import TestSupport
import Testing

/// `inquest run` hands the service over as it is.
@Suite struct RunTests {
  /// Swift's runtime, linked statically, looks for its arguments beside an environment on the stack: a shim
  /// that moves the environment leaves such a service with none.
  @Test func aStaticSwiftProgramKeepsItsArguments() throws {
    let scratch = try Scratch()
    let source = scratch.file("arguments.swift")
    try Data("print(CommandLine.arguments.dropFirst().joined(separator: \",\"))\n".utf8)
      .write(to: URL(fileURLWithPath: source))
    let program = scratch.file("arguments")
    let built = try run(["swiftc", "-static-stdlib", source, "-o", program], timeout: 120)
    try #require(built.status == 0, "\(built)")
    #expect(try run([program, "a", "b c"]).output.elementsEqual("a,b c\n".utf8))
    #expect(
      try run([Places.inquest, "run", "--", program, "a", "b c"]).output.elementsEqual(
        "a,b c\n".utf8))
  }

  @Test func argumentsNeedNotBeText() throws {
    let outcome = try run([
      "sh", "-c", #""$0" run -- printf '%s|' "$(printf 'a\377\376b')""#, Places.inquest,
    ])
    #expect(outcome.output == [0x61, 0xff, 0xfe, 0x62, UInt8(ascii: "|")], "\(outcome)")
  }
}
