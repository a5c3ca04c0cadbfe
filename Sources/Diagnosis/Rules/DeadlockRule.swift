import Report

/// Threads that wait for each other in a circle.
enum DeadlockRule {
  static func diagnose(_ scene: CrashScene) -> Diagnosis? {
    let threads = scene.report.threads
    var position: [Int: Int] = [:]
    for (index, thread) in threads.enumerated() where thread.waitsFor?.owner != nil {
      position[thread.id] = index
    }
    let circles = circles(threads, position)
    guard let first = circles.first else { return nil }
    let summary =
      first.count == 1
      ? "Deadlock: thread \(name(threads[first[0]])) waits for a lock that it holds itself"
      : "Deadlock: \(first.count) threads wait for each other"
    let others = circles.count > 1 ? "; and \(circles.count - 1) more such" : ""
    let shown = circles.joined().prefix(shownThreads)
    return Diagnosis(
      rule: "deadlock", summary: summary + others,
      detail: shown.map { words(threads[$0]) }.joined(separator: "; "), confidence: .high,
      evidence: shown.map { "/threads/\($0)/waits_for" })
  }

  /// Threads whose waits are spelled out.
  private static let shownThreads = 16

  private static func words(_ thread: ThreadRecord) -> String {
    guard let wait = thread.waitsFor, let owner = wait.owner else { return name(thread) }
    let what = wait.type.map { "the lock of \($0)" } ?? "\(wait.kind.rawValue) \(wait.address)"
    let holder = owner == thread.id ? "itself" : "thread \(owner)"
    return "thread \(name(thread)) waits for \(what), held by \(holder)"
  }

  private static func name(_ thread: ThreadRecord) -> String {
    thread.name.map { "\(thread.id) (\($0))" } ?? "\(thread.id)"
  }

  /// Every circle, the largest first, each from its first thread on. A thread waits for one lock at most.
  private static func circles(_ threads: [ThreadRecord], _ position: [Int: Int]) -> [[Int]] {
    var visited: Set<Int> = []
    var found: [[Int]] = []
    for start in position.values.sorted() where !visited.contains(start) {
      var path: [Int] = []
      var next: Int? = start
      while let index = next, visited.insert(index).inserted {
        path.append(index)
        next = threads[index].waitsFor?.owner.flatMap { position[$0] }
      }
      if let closing = next, let begin = path.firstIndex(of: closing) {
        found.append(Array(path[begin...]))
      }
    }
    return found.enumerated().sorted {
      ($1.element.count, $0.offset) < ($0.element.count, $1.offset)
    }.map(\.element)
  }
}
