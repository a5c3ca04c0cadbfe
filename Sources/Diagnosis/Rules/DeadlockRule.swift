import Report

/// Threads that wait for each other in a circle.
enum DeadlockRule {
  static func diagnose(_ scene: CrashScene) -> Diagnosis? {
    let threads = scene.report.threads
    var position: [Int: Int] = [:]
    for (index, thread) in threads.enumerated() where thread.waitsFor?.owner != nil {
      position[thread.id] = index
    }
    guard let circle = circle(threads, position) else { return nil }
    let parts = circle.map { index -> String in
      let thread = threads[index]
      guard let wait = thread.waitsFor, let owner = wait.owner else { return "" }
      let what = wait.type.map { "the lock of \($0)" } ?? "\(wait.kind.rawValue) \(wait.address)"
      return
        "thread \(name(thread)) waits for \(what), held by \(owner == thread.id ? "itself" : "thread \(owner)")"
    }
    let summary =
      circle.count == 1
      ? "Deadlock: thread \(name(threads[circle[0]])) waits for a lock that it holds itself"
      : "Deadlock: \(circle.count) threads wait for each other"
    return Diagnosis(
      rule: "deadlock", summary: summary, detail: parts.joined(separator: "; "), confidence: .high,
      evidence: circle.map { "/threads/\($0)/waits_for" })
  }

  private static func name(_ thread: ThreadRecord) -> String {
    thread.name.map { "\(thread.id) (\($0))" } ?? "\(thread.id)"
  }

  /// The first circle, from its first thread on. Each thread waits for one lock at most.
  private static func circle(_ threads: [ThreadRecord], _ position: [Int: Int]) -> [Int]? {
    var visited: Set<Int> = []
    for start in position.values.sorted() where !visited.contains(start) {
      var path: [Int] = []
      var next: Int? = start
      while let index = next, visited.insert(index).inserted {
        path.append(index)
        next = threads[index].waitsFor?.owner.flatMap { position[$0] }
      }
      if let closing = next, let begin = path.firstIndex(of: closing) {
        return Array(path[begin...])
      }
    }
    return nil
  }
}
