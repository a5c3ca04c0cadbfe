import Report
import Testing

@testable import Diagnosis

/// The sentence that a developer reads first.
@Suite struct ExceptionWordTests {
  private func frame(
    _ function: String?, _ file: String? = nil, _ line: Int? = nil, assembly: String = "Shop.dll",
    plumbing: Bool? = nil
  ) -> Frame {
    var frame = Frame(kind: .managed, trust: .runtime, ip: 0x10, sp: 0x20)
    (frame.function, frame.file, frame.line, frame.plumbing) = (function, file, line, plumbing)
    frame.managed = Frame.Managed(token: 0x600_0001, ilOffset: nil, assembly: assembly, mvid: nil)
    return frame
  }

  private func exception(
    _ type: String = "X", _ message: String = "", _ frames: [Frame] = [],
    inner: [ManagedException] = []
  ) -> ManagedException {
    ManagedException(type: type, message: message, hresult: 1, frames: frames, inner: inner)
  }

  private func words(_ exception: ManagedException, _ frames: [Frame] = []) -> String {
    ExceptionWords.sentence(exception, frames: frames)
  }

  @Test func theExampleOfTheIssue() {
    #expect(
      words(
        exception(
          "System.InvalidOperationException", "argh",
          [frame("Inner.Boom", "/src/Boom.cs", 2), frame("Program.Main", "C:\\src\\Boom.cs", 9)]))
        == "Unhandled System.InvalidOperationException: argh, thrown in Inner.Boom (Boom.cs:2), "
        + "called from Program.Main (Boom.cs:9)")
  }

  @Test func partsThatAreNotKnownAreLeftOut() {
    #expect(words(exception()) == "Unhandled X")
    #expect(words(exception("X", "m")) == "Unhandled X: m")
    #expect(words(exception("X", "", [frame("A.B")])) == "Unhandled X, thrown in A.B")
    #expect(
      words(exception("X", "m", [frame("A.B"), frame("A.C")]))
        == "Unhandled X: m, thrown in A.B, called from A.C")
    #expect(words(exception("X", "", [frame(nil), frame(nil)])) == "Unhandled X")
    #expect(words(exception("X", "", [frame(nil), frame("A.B")])) == "Unhandled X, thrown in A.B")
    #expect(
      words(exception("X", "", [frame("A.B", "/x.cs"), frame("A.C", nil, 3)]))
        == "Unhandled X, thrown in A.B, called from A.C")
    #expect(
      words(exception("X", "", [frame("A.B", plumbing: true), frame("A.C"), frame("A.D")]))
        == "Unhandled X, thrown in A.C, called from A.D")
    #expect(words(exception("X", "", [frame("A.B", plumbing: true)])) == "Unhandled X")
  }

  /// What the runtime did not come to throw has no trace of its own: then the thread's stack says it.
  @Test func theThreadsFramesStandIn() {
    #expect(
      words(exception(), [frame("A.B"), frame("A.C")])
        == "Unhandled X, thrown in A.B, called from A.C")
    #expect(
      words(exception("X", "", [frame("A.Z")]), [frame("A.B"), frame("A.C")])
        == "Unhandled X, thrown in A.Z")
  }

  @Test func theProgramsOwnFrameIsTheCaller() {
    let core = "System.Private.CoreLib.dll"
    #expect(
      words(
        exception(
          "X", "",
          [
            frame("List.RemoveAt", assembly: core), frame("Linq.Each", assembly: "System.Linq.dll"),
            frame("Logging.Do", assembly: "Microsoft.Extensions.Logging.dll"), frame("Shop.Till"),
            frame("Shop.Main"),
          ])) == "Unhandled X, thrown in List.RemoveAt, called from Shop.Till")
    // Nothing but the framework.
    #expect(
      words(
        exception(
          "X", "", [frame("List.RemoveAt", assembly: core), frame("Linq.Each", assembly: core)]))
        == "Unhandled X, thrown in List.RemoveAt, called from Linq.Each")
    // A name that only begins alike is the program's.
    #expect(
      words(
        exception(
          "X", "",
          [frame("A.B"), frame("L.M", assembly: core), frame("S.T", assembly: "SystemShop.dll")]
        )) == "Unhandled X, thrown in A.B, called from S.T")
  }

  @Test func aFunctionIsNotItsOwnCaller() {
    #expect(
      words(exception("X", "", [frame("A.B"), frame("A.B"), frame("A.B"), frame("A.C")]))
        == "Unhandled X, thrown in A.B, called from A.C")
    #expect(
      words(exception("X", "", [frame("A.B"), frame("A.B")])) == "Unhandled X, thrown in A.B")
  }

  @Test func causesAreNamed() {
    let cause = exception("Z", "why", [frame("C.D", "/c.cs", 4), frame("C.E")])
    #expect(
      words(exception("X", "m", [frame("A.B")], inner: [exception("Y", "n", inner: [cause])]))
        == "Unhandled X: m, thrown in A.B; caused by Z: why, thrown in C.D (c.cs:4), called from C.E"
    )
    // Siblings are counted.
    #expect(
      words(exception("X", "m", inner: [exception("Y"), cause, cause]))
        == "Unhandled X: m; caused by Y (and 2 more)")
    // The thread's frames are the outer one's, not the cause's.
    #expect(
      words(exception("X", inner: [exception("Y")]), [frame("A.B")])
        == "Unhandled X, thrown in A.B; caused by Y")
  }

  @Test func causesOfAnyDepthEnd() {
    var deep = exception("0")
    for number in 1...40 { deep = exception("\(number)", inner: [deep]) }
    #expect(ExceptionWords.cause(deep).type == "24", "sixteen inwards")
    #expect(words(deep) == "Unhandled 40; caused by 24")
  }

  @Test(arguments: [
    ("one\ntwo", "one"), ("\n\r\n  one\ntwo", "  one"), ("\n\n", ""),
    ("a\tb\u{1b}[31mc\u{7f}d\u{9b}e", "a b [31mc d e"),
    ("é \u{1F600} 日本", "é \u{1F600} 日本"), ("one\u{2028}two", "one"), ("\u{0}", " "),
    ("say \"x\", or: y", "say \"x\", or: y"),
  ])
  func messages(message: String, expected: String) {
    let said = expected.isEmpty ? "" : ": \(expected)"
    #expect(words(exception("X", message)) == "Unhandled X" + said)
  }

  @Test func longMessagesAreCut() {
    let long = String(repeating: "é", count: 1_000_000)
    #expect(words(exception("X", long)) == "Unhandled X: " + long.prefix(240) + "…")
    let fits = String(long.prefix(240))
    #expect(words(exception("X", fits)) == "Unhandled X: " + fits)
  }

  /// Names come from files that anybody may have written.
  @Test func namesCannotBreakTheSentence() {
    let hostile = exception(
      "Evil\nType\u{1b}]0;", "m", [frame("A\r\nB", "/x\ny\u{2028}.cs", 3), frame("C\u{85}D")],
      inner: [exception("Y\u{0}")])
    let sentence = words(hostile)
    let broken = sentence.unicodeScalars.contains {
      $0.value < 0x20 || (0x7f..<0xa0).contains($0.value) || $0.value == 0x2028
    }
    #expect(!broken, "\(sentence)")
    #expect(sentence.contains("Evil Type"))
    let call = CrashFacts.FailFast(message: "m", frames: [frame("A\nB")])
    #expect(ExceptionWords.failFast(call) == "Environment.FailFast: m, called in A B")
  }

  @Test func failFast() {
    func words(_ message: String?, _ frames: [Frame] = []) -> String {
      ExceptionWords.failFast(CrashFacts.FailFast(message: message, frames: frames))
    }
    #expect(ExceptionWords.failFast(nil) == "Environment.FailFast")
    #expect(words(nil) == "Environment.FailFast")
    #expect(words("") == "Environment.FailFast")
    #expect(words("enough\nof it") == "Environment.FailFast: enough")
    #expect(
      words("enough", [frame("A.B", "/a.cs", 2), frame("A.C")])
        == "Environment.FailFast: enough, called in A.B (a.cs:2), called from A.C")
  }

  @Test func fileAndLine() {
    #expect(ExceptionWords.fileAndLine(frame("A", "/a/b.cs", 3)) == "b.cs:3")
    #expect(ExceptionWords.fileAndLine(frame("A", "b.cs", 3)) == "b.cs:3")
    #expect(ExceptionWords.fileAndLine(frame("A", "C:\\x\\b.cs", 3)) == "b.cs:3")
    #expect(ExceptionWords.fileAndLine(frame("A", "", 3)) == nil)
    #expect(ExceptionWords.fileAndLine(frame("A", "/", 3)) == nil)
    #expect(ExceptionWords.fileAndLine(frame("A", nil, 3)) == nil)
    #expect(ExceptionWords.fileAndLine(frame("A", "b.cs", nil)) == nil)
  }
}
