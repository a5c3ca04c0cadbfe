import Glibc

/// Becoming another program.
enum Execute {
  /// Replaces this process, so that signals, terminal and status are exactly the other program's.
  ///
  /// - Parameter searching: look `arguments[0]` up in PATH, as execvp(3) does.
  /// - Returns: only on failure: the errno.
  static func replace(_ path: String, _ arguments: [String], searching: Bool = false) -> Int32 {
    withCStrings(arguments) { argv in
      _ = searching ? execvp(path, argv) : execv(path, argv)
      return errno
    }
  }

  /// Calls `body` with a null-terminated array of C strings.
  static func withCStrings<Result>(
    _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
  ) -> Result {
    var pointers = strings.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    return pointers.withUnsafeMutableBufferPointer { body($0.baseAddress!) }
  }
}

/// The environment that this process hands on.
enum Environment {
  /// `LD_PRELOAD` with our library first, everything else kept, and no second copy of ours, from
  /// whatever prefix: two of them would each launch a collector.
  static func preloading(_ library: String, existing: String?) -> String {
    ([library] + others(existing)).joined(separator: ":")
  }

  /// Prepares the environment of a collector that we start ourselves.
  static func forCollector() {
    // Field bug 35: the Swift runtime's own backtracer would take half a minute of our crash.
    setenv("SWIFT_BACKTRACE", "enable=no", 1)
    let kept = others(Console.environment("LD_PRELOAD"))
    if kept.isEmpty {
      unsetenv("LD_PRELOAD")
    } else {
      setenv("LD_PRELOAD", kept.joined(separator: ":"), 1)
    }
  }

  private static func others(_ preload: String?) -> [String] {
    // ld.so(8) separates by colons and by spaces.
    (preload ?? "").split(whereSeparator: { $0 == ":" || $0 == " " }).map(String.init)
      .filter { $0 != Layout.preloadName && !$0.hasSuffix("/" + Layout.preloadName) }
  }
}
