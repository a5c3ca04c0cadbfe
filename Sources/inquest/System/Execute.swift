import Glibc

/// Becoming another program.
enum Execute {
  /// Replaces this process, so that signals, terminal and status are exactly the other program's.
  ///
  /// - Returns: only on failure: the errno.
  static func replace(_ path: String, _ arguments: [String]) -> Int32 {
    withCStrings(arguments) { argv in
      _ = execv(path, argv)
      return errno
    }
  }

  /// The same, with the program looked up in PATH as execvp(3) does, and arguments of any bytes.
  static func replace(_ arguments: [[UInt8]]) -> Int32 {
    var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { bytes in
      (bytes + [0]).withUnsafeBytes {
        $0.withMemoryRebound(to: CChar.self) { strdup($0.baseAddress!) }
      }
    }
    pointers.append(nil)
    guard let program = pointers[0] else { return ENOENT }
    execvp(program, pointers)
    return errno
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

  /// Sets, where the user has set none of them, the four variables that the shim's constructor would add
  /// (preload/marker.h), exactly as it would.
  ///
  /// A constructor that has to add some puts the environment elsewhere, and Swift's runtime, linked
  /// statically, finds its arguments only beside an environment that lies on the stack. With nothing to
  /// add the shim moves nothing.
  static func makeRoomForTheShim() {
    let off = ["0", "false", "no", "off"]
    if let enabled = Console.environment("INQUEST_ENABLED"), off.contains(enabled.lowercased()) {
      return
    }
    let variables = [
      "DOTNET_DbgEnableMiniDump", "COMPlus_DbgEnableMiniDump", "DOTNET_DbgMiniDumpName",
      "COMPlus_DbgMiniDumpName",
    ]
    guard variables.allSatisfy({ Console.environment($0) == nil }) else { return }
    for name in variables {
      setenv(name, name.hasSuffix("Name") ? "/dev/null/.//." : "1", 1)
    }
  }

  private static func others(_ preload: String?) -> [String] {
    // ld.so(8) separates by colons and by spaces.
    (preload ?? "").split(whereSeparator: { $0 == ":" || $0 == " " }).map(String.init)
      .filter { $0 != Layout.preloadName && !$0.hasSuffix("/" + Layout.preloadName) }
  }
}
