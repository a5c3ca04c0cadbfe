import Report

extension Page {
  mutating func addLimitations() {
    guard !report.limitations.isEmpty else { return }
    addHeading("What this report cannot say")
    // One problem that ten threads share is told once.
    var order: [Limitation] = []
    var threads: [Limitation: [Int]] = [:]
    for limitation in report.limitations {
      var key = limitation
      key.threadID = nil
      if threads[key] == nil { order.append(key) }
      threads[key, default: []] += limitation.threadID.map { [$0] } ?? []
    }
    for limitation in order {
      let ids = threads[limitation] ?? []
      var spans = [
        Span(.warning, "▪ "), Span(.plain, limitation.problem),
        Span(.detail, "  (\(limitation.stage)"),
      ]
      switch ids.count {
      case 0: spans.append(Span(.detail, ")"))
      case 1: spans.append(Span(.detail, ", thread \(ids[0]))"))
      default: spans.append(Span(.detail, ", \(ids.count) threads)"))
      }
      add(Line(2, hang: 4, spans))
      add(Line(4, hang: 4, .plain, limitation.effect))
      if let remedy = limitation.remedy {
        add(Line(4, hang: 6, [Span(.heading, "→ "), Span(.plain, remedy)]))
      }
    }
  }

  mutating func addFooter() {
    let info = report.report
    var words = [
      "report \(info.id)", info.createdAt,
      info.timing.frozenMS.map { "frozen \(Words.milliseconds($0))" } ?? "never frozen",
      "total \(Words.milliseconds(info.timing.totalMS))",
      "\(info.collector.name) \(info.collector.version)",
    ]
    if !info.complete { words.insert("partial", at: 1) }
    if !info.redacted.isEmpty {
      words.append("\(Words.many(info.redacted.count, "value")) redacted")
    }
    add(.blank)
    add(Line(0, hang: 2, .detail, words.joined(separator: " · ")))
    if let path = options.path {
      add(Line(0, hang: 2, [Span(.detail, path, uncut: true, limit: 4096)]))
    }
  }
}
