// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// That what other tests measure by is itself right: what was understood of the runtime's words is all that
/// it said, and names that are one are taken for one.
@Suite(.enabled(if: Lab.isReady, "run `make fixtures` first"))
struct RuntimeWordsTests {
  /// Written out again, it is the very text.
  @Test(arguments: Scenario.throwing(.exception, .failFast))
  func nothingIsLost(_ scenario: Scenario) async throws {
    let run = try await Experiment.of(scenario)
    let words = try run.words
    var text = words.heading.rawValue
    if let message = words.message { text += message + "\n" + render(words.frames) }
    if let exception = words.exception { text += render(exception) + "\n" }
    if words.heading == .outOfMemory { text += "\n" }
    if scenario.subject.saysMessage {
      let message = ": " + (try run.saidMessage)
      text = text.replacingOccurrences(of: ": …", with: message, options: .literal)
    }
    #expect(same(plain(text), plain(run.runtimesErrors)), "\(text)\nis not\n\(run.runtimesErrors)")
  }

  /// Without what is no part of type, message and frames.
  private func plain(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      .filter { line in
        !["inquest: ", "[createdump] ", "File name: '", "--- End of stack trace from previous"]
          .contains { line.hasPrefix($0) } && !line.isEmpty
      }
      .map {
        $0.replacingOccurrences(
          of: "(?<=Exception) \\((0x)?-?[0-9A-F]+\\)(?=: )", with: "", options: .regularExpression)
      }
      .joined(separator: "\n")
  }

  private func render(_ exception: RuntimeWords.Exception) -> String {
    var text = exception.type + (exception.message.map { ": " + $0 } ?? "") + "\n"
    // One that AggregateException has first, or that another was caused by.
    if let cause = exception.inner.first {
      text += " ---> " + render(cause)
      text += "\n   --- End of inner exception stack trace ---\n"
    }
    text += render(exception.frames)
    for (index, sibling) in exception.inner.enumerated().dropFirst() {
      let inside = render(sibling)
      let end = sibling.inner.count > 1 ? "\n<---\n" : "<---\n"
      text += " ---> (Inner Exception #\(index)) " + inside + end
    }
    return String(text.dropLast())
  }

  private func render(_ frames: [RuntimeWords.Frame]) -> String {
    frames.map { "   at \($0)\n" }.joined()
  }

  /// Printed stacks of exceptions that nobody has caught on the way, against the stack as the DAC names it
  /// for createdump.
  @Test(arguments: [
    "generic-reference", "generic-value", "generic-nested", "generic-base", "generic-method",
    "generic-method-value", "generic-method-in-generic", "generic-static", "arguments", "overloads",
    "lambda", "lambda-capturing", "lambda-in-generic", "local-function", "iterator",
    "iterator-generic", "linq",
    "linq-iterator", "explicit-interface", "struct-method", "virtual-method", "constructor",
    "property", "indexer", "operator", "delegate-multicast", "event", "dynamic-method", "thread",
    "key-not-found", "async-void", "access-violation",
  ])
  func printedNamesAreTheDACs(_ mode: String) async throws {
    let run = try await Experiment.of(Scenario(throwing: mode, .net8))
    let words = try run.words
    let crashed = try CreatedumpReport(run.folder + "/core.crashreport.json").threads
      .first { $0.isCrashed }
    let names = try #require(crashed).frames.map { MethodName($0.method) }
    let printed = words.frames + (words.exception?.frames ?? [])
    #expect(!printed.isEmpty)
    // An async method's own frame has ended.
    for frame in printed where mode != "async-void" || !frame.method.contains("FireAndForget") {
      let name = MethodName(frame.method)
      #expect(names.contains { $0.isPrinted(name) }, "\(name) in \(names)")
    }
  }

  @Test(arguments: [
    ("Program+<FetchAsync>d__11.MoveNext()", "Program.FetchAsync(Int32 x)"),
    ("Program+<Iterate>d__3.MoveNext()", "Program.Iterate()+MoveNext()"),
    ("Program+<>c.<Main>b__0_0()", "Program.<>c.<Main>b__0_0()"),
    (
      "Shop.Basket`1[[System.__Canon, System.Private.CoreLib]].Fold(System.__Canon)",
      "Shop.Basket`1.Fold(T x)"
    ),
    (
      "Kitchen`1+<Cook>d__0`1[[System.__Canon, A],[System.Int32, A]].MoveNext()",
      "Kitchen`1.Cook[N](T fruit, N number)"
    ),
    ("Http+<<SendAsync>g__Core|83_0>d.MoveNext()", "Http.<SendAsync>g__Core|83_0(Request request)"),
    ("Shop.Pear..ctor(System.String)", "Shop.Pear..ctor(String colour)"),
    ("DynamicClass.Divide(Int32, Int32)", "Divide(Int32 , Int32 )"),
  ])
  func oneMethodHasTwoNames(_ raw: String, _ printed: String) {
    #expect(MethodName(raw).isPrinted(MethodName(printed)))
  }

  /// Each way in which a report may differ from what was printed is seen.
  @Test func whatDiffersIsMissed() async throws {
    let run = try await Experiment.of(Scenario(throwing: "deep", .net8))
    let printed = try #require(try run.words.exception).frames
    func report(_ frames: [RuntimeWords.Frame]) -> [JSON] {
      frames.map { JSON(["raw_function": $0.method, "file": $0.fileText, "line": $0.line ?? 0]) }
    }
    let more = [RuntimeWords.Frame(method: "System.Hidden()")]
    #expect(printed.count > 200)
    #expect(missing(printed, in: report(printed)).isEmpty)
    #expect(missing(printed, in: report(printed.flatMap { more + [$0] } + more)).isEmpty)
    #expect(missing(printed, in: report(printed.dropLast())).count == 1)
    #expect(!missing(printed, in: report(Array(printed[..<9] + printed[10...]))).isEmpty)
    #expect(!missing(printed, in: report(printed.reversed())).isEmpty)
    for index in [0, 100, printed.count - 1] {
      for change in [\RuntimeWords.Frame.method, \.lineText, \.fileText] {
        var other = printed
        other[index][keyPath: change] = "1" + other[index][keyPath: change]
        #expect(!missing(printed, in: report(other)).isEmpty, "frame \(index)")
      }
    }
  }

  @Test(arguments: [
    ("Shop.Basket`1.Fold(T x)", "Fold"),
    ("Shapes.<>c.<PlainLambda>b__2_0()", "PlainLambda"),
    ("Shapes.<>c__DisplayClass35_0.<Capturing>b__0(Int32 number)", "Capturing"),
    ("Shapes.<InLocalFunction>g__Refuse|1_0(String fruit)", "InLocalFunction"),
    ("Shapes.Iterate(Int32 count)+MoveNext()", "Iterate"),
    ("Async.<>c__DisplayClass25_0.<<Lambda>b__0>d.MoveNext()", "Lambda"),
    ("Shop.Pear..ctor(String colour)", ".ctor"),
  ])
  func aMethodIsWrittenSomewhere(_ printed: String, _ written: String) {
    #expect(MethodName(printed).written == written)
  }

  @Test(arguments: [
    ("Program+<FetchAsync>d__11.MoveNext()", "Program.CookAsync(Int32 x)"),
    ("Program+<FetchAsync>d__11.MoveNext()", "Other.FetchAsync(Int32 x)"),
    ("Program+<FetchAsync>d__11.SetStateMachine()", "Program.FetchAsync(Int32 x)"),
    ("Shop.Basket`1[[System.__Canon, A]].Fold(System.__Canon)", "Shop.Basket.Fold(T x)"),
    ("Shop.Basket`1[[System.__Canon, A]].Fold(System.__Canon)", "Shop.Basket`1.FoldLater(T x)"),
    ("Shop.Pear..ctor()", "Shop.Pear..cctor()"),
    ("Shop.Pear.Divide(Int32)", "Divide(Int32)"),
  ])
  func twoMethodsAreNotOne(_ raw: String, _ printed: String) {
    #expect(!MethodName(raw).isPrinted(MethodName(printed)))
  }
}

extension RuntimeWords.Frame {
  fileprivate var lineText: String {
    get { line.map(String.init) ?? "" }
    set { line = Int(newValue) }
  }
  fileprivate var fileText: String {
    get { file ?? "" }
    set { file = newValue }
  }
}
