import Report

/// abort() by libc itself, which leaves what it had to say in memory.
enum AbortMessageRule {
  static func diagnose(_ scene: CrashScene) -> Diagnosis? {
    guard scene.crash.kind == .abort, let message = scene.crash.message else { return nil }
    let text = message.split(whereSeparator: \.isNewline).joined(separator: " ")
    let place = AbortRule.culprit(scene).map { " in \($0)" } ?? ""
    let evidence = scene.evidence("/crash/message", CrashScene.firstFrame)
    for (rule, parts, summary, detail) in known where parts.contains(where: { contains(text, $0) })
    {
      return Diagnosis(
        rule: rule, summary: "\(summary)\(place): \(text)", detail: detail, confidence: .high,
        evidence: evidence)
    }
    return Diagnosis(
      rule: "abort", summary: "libc ended the program\(place): \(text)", confidence: .high,
      evidence: evidence)
  }

  private static let known: [(String, [String], String, String?)] = [
    ("assertion_failed", ["Assertion `"], "An assertion failed", nil),
    (
      "stack_smashing", ["stack smashing detected"],
      "A function's frame on the stack was overwritten",
      "the stack protector has noticed on its return: an array there was written beyond its end"
    ),
    (
      "buffer_overflow", ["buffer overflow detected", "%n in writable", "invalid %N$"],
      "A copy was longer than the buffer it went to (_FORTIFY_SOURCE)", nil
    ),
    (
      "heap_corruption",
      [
        "free(): ", "malloc(): ", "realloc(): ", "double free", "corrupted", "munmap_chunk(): ",
        "malloc_consolidate(): ", "invalid pointer", "unaligned tcache", "sysmalloc",
      ],
      "The heap is corrupted",
      "memory was freed twice, used after it was freed, or written beyond its end: earlier, and perhaps "
        + "elsewhere. AddressSanitizer or valgrind find the place"
    ),
  ]

  private static func contains(_ text: String, _ part: String) -> Bool {
    let (text, part) = (Array(text.utf8), Array(part.utf8))
    guard text.count >= part.count else { return false }
    return (0...(text.count - part.count)).contains { text[$0...].starts(with: part) }
  }
}
