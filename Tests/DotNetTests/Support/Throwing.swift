// SPDX-License-Identifier: Apache-2.0
import Foundation

/// The modes of Throws.dll, whose ends are told by the runtime.
extension Case {
  /// How the report calls it.
  enum End: Sendable { case exception, failFast, overflow, fault }

  private static let modes = """
    generic-reference generic-value generic-nested generic-base generic-method generic-method-value
    generic-method-in-generic generic-static arguments overloads lambda lambda-capturing
    lambda-in-generic local-function iterator iterator-generic linq linq-iterator sort lazy explicit-interface
    struct-method virtual-method constructor static-constructor property indexer operator
    delegate-multicast event reflection reflection-constructor dynamic-method long-lines deep hot from-memory callback
    callback-twice finalizer
    async-before-await async-after-delay async-after-yield async-generic async-struct async-lambda
    async-void async-void-on-pool async-inner async-file async-http pool thread timer task-wait
    task-result task-await task-wait-all task-continuation task-cancelled parallel aggregate-nested
    aggregate-empty
    rethrow rethrow-variable rethrow-elsewhere rethrow-captured thrown-twice wrapped
    wrapped-never-thrown filter filter-throws in-finally in-catch after-many-caught after-handled
    argument argument-null argument-range key-not-found file-not-found directory-not-found disposed
    number-format system-error divide-by-zero overflow-checked invalid-cast index null-reference
    out-of-memory missing-library message-own message-overridden message-null message-empty
    message-lines message-like-a-trace message-quotes message-unicode message-surrogates message-nul
    message-megabyte nested-type generic-type
    fail-fast fail-fast-lines fail-fast-exception fail-fast-null fail-fast-thread access-violation
    native-segv native-segv-in-callback overflow overflow-thread overflow-single
    """

  static let throwing: [Case] = modes.split(whereSeparator: \.isWhitespace).map {
    var result = Case(program: "Throws", name: String($0), mode: String($0))
    if result.mode == "out-of-memory" { result.settings["GCHeapHardLimit"] = "0x8000000" }
    return result
  }

  var end: End {
    switch mode {
    case "overflow-checked": .exception
    case _ where mode.hasPrefix("overflow"): .overflow
    case _ where mode.hasPrefix("fail-fast"): .failFast
    case _ where mode.hasPrefix("native-"): .fault
    default: .exception
    }
  }

  /// The message holds what the runtime's text cannot carry, or what looks like its own words, so the
  /// program says on standard output what it is.
  var saysMessage: Bool {
    [
      "message-lines", "message-like-a-trace", "message-quotes", "message-unicode",
      "message-surrogates", "message-nul", "message-megabyte",
    ].contains(mode)
  }

  /// What the runtime prints ends before the stack: at the NUL, or at once.
  var isCutShort: Bool { ["message-nul", "out-of-memory"].contains(mode) }
}

extension Scenario {
  init(throwing mode: String, _ runtime: Runtime) {
    self.init(subject: Case.throwing.first { $0.mode == mode }!, runtime: runtime)
    guard hasCreatedumpReport else { return }
    // The same process is then looked at by the real createdump too, after us.
    subject.settings.merge([
      "DbgEnableMiniDump": "1", "EnableCrashReportOnly": "1", "DbgMiniDumpName": "FOLDER/core",
    ]) { $1 }
  }

  /// Only 8.0 has it, and for an overflow it takes minutes.
  var hasCreatedumpReport: Bool { runtime == .net8 && subject.end != .overflow }

  static let throwing = Runtime.allCases.flatMap { runtime in
    Case.throwing.map { Scenario(throwing: $0.mode, runtime) }
  }
  static func throwing(_ ends: Case.End...) -> [Scenario] {
    throwing.filter { ends.contains($0.subject.end) }
  }
  /// Those whose printed stack can be compared frame by frame.
  ///
  /// Of code that was compiled again 3.1 prints the last line of the method, whatever it was: it looks the
  /// new code up in the map of the old. Ours are held against the source: ``HotMethodTests``.
  static let printed = throwing(.exception).filter {
    !$0.subject.isCutShort && !($0.subject.mode == "hot" && $0.runtime == .core3)
  }
}

extension Experiment {
  var report: ReportFile {
    get throws {
      guard reports.count == 1 else {
        throw LabFailure(description: "\(scenario): \(reports.count) reports\n\(watched.errors)")
      }
      return reports[0]
    }
  }

  var words: RuntimeWords {
    get throws {
      guard scenario.subject.saysMessage else { return try RuntimeWords(runtimesErrors) }
      // A message that looks like a stack trace is none.
      var text = runtimesErrors
      if let message = text.range(of: ": " + (try saidMessage) + "\n", options: .literal) {
        text.replaceSubrange(message, with: ": …\n")
      }
      return try RuntimeWords(text)
    }
  }

  /// Standard error without us. After FailFast's exception we begin in the middle of a line.
  var runtimesErrors: String {
    watched.errors.replacingOccurrences(
      of: "inquest: process \(watched.pid) crashed; collecting a report\n", with: "\n",
      options: .literal)
  }

  /// The exception with the lines that are expected of us.
  ///
  /// 8.0 looks up a caller's line one byte before the return address. 3.1 does not: of a call that ends its
  /// statement it prints the line of the next one, which for one in seven of these frames is another. Whether a
  /// report repeats that is said here: the runtime's own words, or `.net8` for the lines of the calls.
  var expectedException: RuntimeWords.Exception? {
    get async throws {
      let printed = try words.exception
      let linesOf3 = Runtime.core3
      guard scenario.runtime == .core3, linesOf3 != .core3 else { return printed }
      let mode = scenario.subject.mode
      let right = try await Experiment.of(Scenario(throwing: mode, linesOf3)).words.exception
      return printed.map { $0.withLines(of: right) }
    }
  }

  /// What the program said that its message is: UTF-16, of which nothing else than lone surrogates cannot
  /// be in a JSON file. They become U+FFFD there, one each.
  var saidMessage: String {
    get throws {
      let line = watched.output.prefix { $0 != "\n" }
      guard let bytes = Data(base64Encoded: String(line)), !bytes.isEmpty else {
        throw LabFailure(description: "\(scenario) said no message")
      }
      let units = stride(from: 0, to: bytes.count, by: 2).map {
        UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8
      }
      return String(decoding: units, as: UTF16.self)
    }
  }
}

extension RuntimeWords.Exception {
  /// The same with the lines that another has for the same methods, in order.
  fileprivate func withLines(of other: Self?) -> Self {
    var result = self
    var rest = other?.frames ?? []
    for index in frames.indices {
      guard let same = rest.firstIndex(where: { $0.method == frames[index].method }) else {
        continue
      }
      result.frames[index].line = rest[same].line
      rest.removeSubrange(...same)
    }
    for index in inner.indices {
      let others = other?.inner ?? []
      let one = others.indices.contains(index) ? others[index] : nil
      result.inner[index] = inner[index].withLines(of: one)
    }
    return result
  }
}
