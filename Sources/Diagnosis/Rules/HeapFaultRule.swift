import Report

/// A fault inside the allocator: what it keeps between the blocks of memory is overwritten.
enum HeapFaultRule {
  private static let functions: Set<String> = [
    "malloc", "free", "calloc", "realloc", "aligned_alloc", "memalign", "posix_memalign",
    "_int_malloc",
    "_int_free", "_int_realloc", "_int_memalign", "malloc_consolidate", "unlink_chunk", "sysmalloc",
    "systrim",
    "tcache_get", "tcache_put", "__libc_malloc", "__libc_free", "__libc_calloc", "__libc_realloc",
    "__libc_malloc_impl", "__malloc_alloc_meta", "cfree",
  ]

  static func diagnose(_ scene: CrashScene) -> Diagnosis? {
    guard scene.isFault(SignalNumber.segv), !scene.isFetch, scene.crash.kind == .nativeFault,
      let index = scene.frame(named: functions, atMost: 3),
      // Above it only parts of the same library that have no name.
      scene.thread?.frames.prefix(index).allSatisfy({ $0.function == nil }) == true
    else { return nil }
    let outer = scene.thread?.frames.dropFirst(index).first { frame in
      !(frame.function.map(functions.contains) ?? true)
    }
    let place = outer.flatMap { scene.words($0) }.map { ", called in \($0)" } ?? ""
    let takers: Set<String> = ["free", "realloc", "cfree", "__libc_free", "__libc_realloc"]
    if scene.thread?.frames.first?.function.map(takers.contains) == true {
      return Diagnosis(
        rule: "heap_corruption",
        summary: "free or realloc faulted over what it was given\(place)",
        detail:
          "a pointer that never came from malloc, or a block that was written over, its beginning too",
        confidence: .medium,
        evidence: scene.evidence(CrashScene.address, CrashScene.firstFrame))
    }
    return Diagnosis(
      rule: "heap_corruption",
      summary: "The allocator itself faulted: the heap is corrupted\(place)",
      detail:
        "memory was written beyond its end, freed twice or used after it was freed: earlier, and perhaps "
        + "elsewhere. AddressSanitizer or valgrind find the place",
      confidence: .high,
      evidence: scene.evidence(CrashScene.address, CrashScene.firstFrame, CrashScene.frame(index)))
  }
}
