import Report

extension Page {
  mutating func addException() {
    guard let exception = report.exception else { return }
    // For FailFast the runtime keeps a stand-in that nobody has thrown: the diagnosis has the message, the
    // thread the stack.
    let isStandIn =
      report.crash.kind == .failFast && exception.type == "System.ExecutionEngineException"
    guard !isStandIn || options.allThreads else { return }
    addHeading("Exception")
    add(exception, depth: 0, lead: "")
  }

  /// - Parameter lead: what the exception is to the one above.
  private mutating func add(_ exception: ManagedException, depth: Int, lead: String) {
    // Inner exceptions nest as deep as a hostile file likes.
    guard depth < 16 else { return add(Line(2, .detail, "… more inner exceptions")) }
    // Deeper ones stand below each other: there are but so many columns.
    let indent = 2 + 2 * min(depth, 4)
    var spans = [Span(.plain, lead), Span(.verdict, exception.type)]
    if options.allThreads || !Self.isImplied(exception.hresult) {
      spans += [
        Span(.plain, "  "), Span(.detail, "HRESULT \(exception.hresult)", together: true),
      ]
    }
    add(Line(indent, spans))
    // What .NET says where the program said nothing.
    if exception.message != "Exception of type '\(exception.type)' was thrown." {
      addMessage(exception.message, indent: indent + 2)
    }
    // The crashed thread's stack says the same for the exception that ended the process.
    if depth > 0 || options.allThreads || !isToldByThread(exception) {
      addFrames(exception.frames, indent: indent + 2, style: .exception)
    } else {
      threadShowsThrow = true
      if !exception.inner.isEmpty {
        add(Line(indent + 2, .detail, "thrown on the crashed thread, whose stack is below"))
      }
    }
    let shown = options.allThreads ? 1000 : 8
    for (index, inner) in exception.inner.prefix(shown).enumerated() {
      let place = exception.inner.count > 1 ? "(\(index + 1) of \(exception.inner.count)) " : ""
      add(inner, depth: depth + 1, lead: "caused by " + place)
    }
    if exception.inner.count > shown {
      let hidden = exception.inner.count - shown
      add(Line(indent + 2, .detail, "… \(Words.many(hidden, "more inner exception"))"))
    }
  }

  /// True for the codes that .NET gives by type: they say what the type has said already.
  private static func isImplied(_ code: HResult) -> Bool {
    code.value & 0xffff_0000 == 0x8013_0000
  }

  /// True where the crashed thread's stack begins with the frames that the exception went through.
  private func isToldByThread(_ exception: ManagedException) -> Bool {
    func story(_ frames: [Frame]) -> [HexNumber] {
      frames.filter { $0.plumbing != true }.map(\.ip)
    }
    let thrown = story(exception.frames)
    return !thrown.isEmpty && story(report.crashedThread?.frames ?? []).starts(with: thrown)
  }

  /// A message of any length, with its own lines, as far as a screen can bear it.
  mutating func addMessage(_ message: String, indent: Int) {
    let limit: (lines: Int, characters: Int) = options.allThreads ? (1000, 100_000) : (12, 2000)
    var text = message[...]
    while text.last?.isNewline == true { text.removeLast() }
    let lines = text.split(
      maxSplits: limit.lines, omittingEmptySubsequences: false,
      whereSeparator: { $0 == "\n" || $0 == "\r\n" })
    var room = limit.characters
    var rest = lines.count > limit.lines ? lines.last : nil
    for line in lines.prefix(limit.lines) where !message.isEmpty {
      // Scalars: a character may have any number of them.
      let part = line.unicodeScalars.prefix(room)
      room -= part.count
      add(Line(indent, [Span(.plain, String(part), limit: limit.characters)]))
      if part.endIndex < line.endIndex {
        rest = line
        break
      }
    }
    guard rest != nil else { return }
    let breaks = text.utf8.count { $0 == UInt8(ascii: "\n") }
    var size = Words.many(text.unicodeScalars.count, "character")
    if breaks > 0 { size += " in " + Words.many(breaks + 1, "line") }
    add(Line(indent, hang: indent, .detail, "… cut here: the message has \(size)"))
  }

  mutating func addDiagnoses() {
    guard !report.diagnoses.isEmpty else { return }
    addHeading("Diagnosis")
    let evidence = Evidence(of: report)
    for diagnosis in report.diagnoses {
      // The report's first line has said it already.
      let isSaid = report.crash.summary.hasPrefix(diagnosis.summary)
      add(
        Line(
          2, hang: 4,
          [
            Span(.marker, "▸ "), Span(.heading, isSaid ? "as said above" : diagnosis.summary),
            Span(.detail, "  (\(diagnosis.rule), \(diagnosis.confidence) confidence)"),
          ]))
      if let detail = diagnosis.detail { addMessage(detail, indent: 4) }
      for pointer in diagnosis.evidence {
        let value = evidence.value(at: pointer)
        // A pointer to a whole part of the report is for programs.
        guard value != nil || options.allThreads else { continue }
        let text = pointer + (value.map { " = \($0)" } ?? "")
        add(Line(4, hang: 6, [Span(.detail, "because "), Span(.detail, text, limit: 300)]))
      }
    }
  }
}
