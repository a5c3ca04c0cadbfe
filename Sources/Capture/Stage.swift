/// The stages of a collection, in order. One that kills the worker is switched off for the next.
enum Stage: String, CaseIterable {
  /// Ask the .NET runtime's debugging library, in a process of its own: before, within and after the
  /// freeze.
  case managed
  /// Stop every thread, read registers, copy stacks, release.
  case freeze
  /// Find the images among the mappings.
  case images
  /// Walk every stack.
  case walk
  /// Name functions.
  case symbols
  /// Read what explains a crash: the instruction at the fault and the memory around it, what libc and the C++ runtime
  /// left behind.
  case evidence
  /// Find source lines and inlined calls of native code. After all else has been told, because debug
  /// information is large and libdw may die of it; the verdict is then said again.
  case lines
  /// Ask servers for debug files that this machine lacks, only where the user said so. Last of all, with
  /// names and lines once more for what they had.
  case debuginfod
  /// Say what happened.
  case diagnosis

  /// What the report lacks without it.
  var effect: String {
    switch self {
    case .managed:
      "managed frames are walked by frame pointer and have no names; exceptions are unknown"
    case .freeze: "the process was stopped twice, or read without being stopped"
    case .images: "frames without modules; stacks end early"
    case .walk: "each thread has its innermost frame only"
    case .symbols:
      "native frames have modules and offsets, and no function names but those of debug information"
    case .evidence:
      "the instruction at the fault, the memory around it, and the last words of libc and the C++ runtime are missing"
    case .lines: "native frames have no source lines, and inlined calls are missing"
    case .debuginfod:
      "images without debug information on this machine have no source lines, and names only of what they export"
    case .diagnosis: "the verdict is what the runtime announced, or what was found before"
    }
  }
}
