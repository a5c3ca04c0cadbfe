import Report

extension Page {
  /// Which lock a thread waits for, and who has it.
  mutating func addWait(_ thread: ThreadRecord) {
    guard let wait = thread.waitsFor else { return }
    var spans = [Span(.warning, "waits for \(wait.kind.rawValue) \(wait.address)", limit: 80)]
    if let type = wait.type { spans.append(Span(.function, " of a \(type)", limit: 200)) }
    switch wait.owner {
    case thread.id: spans.append(Span(.warning, ", which it holds itself"))
    case let owner?:
      let name = report.threads.first { $0.id == owner }?.name
      let who = name.map { " \"\($0)\"" } ?? ""
      spans.append(Span(.warning, ", held by thread \(owner)" + who, limit: 120))
    case nil: break
    }
    add(Line(4, hang: 6, spans))
  }
}
