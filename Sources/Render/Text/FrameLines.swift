import Report

/// Which stack it is that frames are shown of.
enum StackStyle {
  case crashed, handler, other, exception

  /// - Parameter hasMethods: whether there are .NET methods to read.
  func limit(hasMethods: Bool) -> (head: Int, tail: Int) {
    switch self {
    case .crashed: (40, 12)
    case .handler: (40, 0)
    case .other: (hasMethods ? 10 : 6, 0)
    case .exception: (10, 2)
    }
  }
}

extension Page {
  /// The frames, one line each, with folds, marks and source lines.
  mutating func addFrames(_ frames: [Frame], indent: Int, style: StackStyle) {
    let rows = rows(frames, style: style)
    let last = rows.reduce(0) {
      if case .frame(let number, _) = $1 { max($0, number) } else { $0 }
    }
    let digits = max(2, String(last).count)
    // Source is for where exceptions were thrown, and for the first frames of the crashed thread.
    var excerpts =
      switch style {
      case .crashed: 6
      case .exception: 1
      case .other, .handler: 0
      }
    let thrown = style == .exception || threadShowsThrow || shownSource.isEmpty
    var hasExcerpt = false
    for row in rows {
      switch row {
      case .frame(let number, let frame):
        noteModule(frame)
        let fault = style == .crashed && number == 0
        add(line(frame, number: number, digits: digits, indent: indent, fault: fault))
        let around = thrown && !hasExcerpt
        if excerpts > 0, addSource(frame, indent: indent + digits + 4, around: around) {
          excerpts -= 1
          hasExcerpt = true
        }
      case .folded(_, let what):
        add(Line(indent + digits + 4, .detail, "… " + what))
      case .stack(let kind):
        add(
          Line(
            indent + 2, .warning,
            "── below: on \(kind.map(Words.stack) ?? "the thread's own stack") ──"))
      case .repeated(let count, let times):
        add(
          Line(
            indent + digits + 4,
            [
              Span(
                .warning,
                count == 1
                  ? "↺ the frame above, \(Words.count(times)) times in all"
                  : "↺ the \(count) frames above, \(Words.count(times)) times in all")
            ]))
      }
    }
  }

  private func line(
    _ frame: Frame, number: Int, digits: Int, indent: Int, fault: Bool
  ) -> Line {
    let text = String(number)
    let pad = String(repeating: " ", count: max(0, digits - text.count))
    var spans = [
      Span(.marker, fault ? "→ " : "  "), Span(.number, pad + text + "  ", together: true),
    ]
    spans += name(frame)
    if frame.kind == .inlined { spans.append(Span(.detail, "  inlined")) }
    if frame.signalFrame == true { spans.append(Span(.warning, "  signal handler called")) }
    if let doubt = Words.doubt(frame.trust) {
      spans += [Span(.plain, "  "), Span(.warning, doubt, together: true)]
    }
    let tight = spans
    if let file = frame.file {
      spans += place(file, frame)
      // A full path where it fits, else the name alone: never a line of path fragments.
      let whole = Line(indent, spans)
      if whole.columns > options.width, !options.allThreads {
        spans = tight + place(file.lastPathComponent, frame)
      }
    }
    return Line(indent, hang: indent + digits + 6, spans)
  }

  private func place(_ file: String, _ frame: Frame) -> [Span] {
    var text = file
    if let line = frame.line { text += ":\(line)" }
    if let column = frame.column, frame.line != nil { text += ":\(column)" }
    return [Span(.plain, "  "), Span(.location, "at " + text, together: true, limit: 400)]
  }

  private func name(_ frame: Frame) -> [Span] {
    let file = home(frame) ?? module(frame)?.path.lastPathComponent
    guard let function = frame.function ?? frame.rawFunction else {
      let what =
        isUnnamedManaged(frame)
        ? [Span(.plain, "  "), Span(.detail, "managed code without a name", together: true)] : []
      let place =
        file.map { "in " + $0 + (frame.moduleOffset.map { " + \($0)" } ?? "") } ?? "in no module"
      // The address stands where a name would, so that a file called "sleep" is not taken for one.
      return [
        Span(.number, "\(frame.ip)  ", together: true),
        Span(.function, place, together: true, limit: 400),
      ] + what
    }
    var spans = [Span(.function, function, limit: options.allThreads ? 4000 : 300)]
    // A line says it better than a number of bytes.
    let isPlaced = frame.line != nil && !options.allThreads
    if let offset = frame.functionOffset, offset.value > 0, frame.kind != .inlined, !isPlaced {
      spans.append(Span(.detail, " + \(offset)", together: true))
    }
    if options.allThreads {
      spans += [Span(.plain, "  "), Span(.detail, "\(frame.ip)", together: true)]
    }
    if let file, !file.isEmpty {
      spans += [Span(.plain, "  "), Span(.detail, "in " + file, together: true, limit: 200)]
    }
    return spans
  }

  /// The source lines around a frame, where the file exists here, each excerpt once.
  ///
  /// - Returns: whether there were any.
  private mutating func addSource(_ frame: Frame, indent: Int, around: Bool) -> Bool {
    guard let file = frame.file, let number = frame.line, number > 0,
      let source = options.source(file), number <= source.count
    else { return false }
    guard !options.isNewer(file, report.report.createdAt) else {
      if shownSource.insert(file).inserted {
        let text = "(\(file.lastPathComponent) has changed since; its lines are not shown)"
        add(Line(indent, hang: indent, .warning, text))
      }
      return false
    }
    guard shownSource.insert("\(file):\(number)").inserted else { return false }
    let context = around ? 2 : 0
    let shown = max(1, number - context)...min(source.count, number + context)
    let width = String(shown.upperBound).count
    for index in shown {
      let here = index == number
      let text = String(index)
      let code = source[index - 1].replacing("\t", with: "    ")
      let room = max(10, options.width - indent - width - 4)
      add(
        Line(
          indent,
          [
            Span(here ? .marker : .detail, here ? "> " : "  "),
            Span(
              .number, String(repeating: " ", count: width - text.count) + text + " ",
              together: true),
            Span(here ? .plain : .detail, code, together: true, limit: room),
          ]))
    }
    return true
  }
}
