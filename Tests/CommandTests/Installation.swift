import Foundation

/// An installed tree in a directory of its own, as `make install` would lay it out: the real command,
/// and a collector that says how it was called.
final class Installation {
  let prefix: String
  var command: String { prefix + "/bin/inquest" }
  var collector: String { prefix + "/libexec/inquest/inquest-collector" }
  var library: String { prefix + "/lib/inquest/libinquest-preload.so" }

  struct Result {
    let status: Int32
    let signaled: Bool
    let output: String
    let errors: String
  }

  init() throws {
    prefix = NSTemporaryDirectory() + "inquest-command-" + UUID().uuidString
    for directory in ["bin", "libexec/inquest", "lib/inquest"] {
      try FileManager.default.createDirectory(
        atPath: prefix + "/" + directory, withIntermediateDirectories: true)
    }
    let built = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
      .deletingLastPathComponent().appendingPathComponent("inquest").path
    // A link where that is possible: what is open for writing cannot be executed, and a program that another
    // test is just starting may still hold the copy open.
    if link(built, command) != 0 {
      try FileManager.default.copyItem(atPath: built, toPath: command)
    }
    try write(
      """
      #!/bin/sh
      echo "arguments: $*"
      echo "backtrace: $SWIFT_BACKTRACE"
      echo "preload: $LD_PRELOAD"
      exit 3
      """, to: collector)
    // Any library that is loaded here is harmless to preload.
    let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: "/proc/self/maps"))
    let maps = String(decoding: try handle.readToEnd() ?? Data(), as: UTF8.self)
    let harmless = maps.split(separator: "\n").compactMap { line in
      line.split(separator: " ").last.map(String.init)
    }.first { $0.contains("/libm.so") }
    try FileManager.default.copyItem(atPath: harmless ?? "/lib/libm.so.6", toPath: library)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: prefix)
  }

  func write(_ text: String, to path: String, mode: Int = 0o755) throws {
    try text.write(toFile: path, atomically: false, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
  }

  /// Runs the command.
  func run(
    _ arguments: [String], environment: [String: String] = [:], input: String = ""
  ) throws -> Result {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: command)
    process.arguments = arguments
    var variables = ProcessInfo.processInfo.environment
    for name in variables.keys where name.hasPrefix("INQUEST_") { variables[name] = nil }
    for name in ["LD_PRELOAD", "NO_COLOR", "CLICOLOR_FORCE", "PAGER"] { variables[name] = nil }
    variables["INQUEST_DIR"] = prefix + "/reports"
    variables.merge(environment) { $1 }
    process.environment = variables
    let pipes = [Pipe(), Pipe(), Pipe()]
    process.standardInput = pipes[0]
    process.standardOutput = pipes[1]
    process.standardError = pipes[2]
    try process.run()
    try? pipes[0].fileHandleForWriting.write(contentsOf: Data(input.utf8))
    try? pipes[0].fileHandleForWriting.close()
    let texts = try pipes.dropFirst().map {
      String(decoding: try $0.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    }
    process.waitUntilExit()
    return Result(
      status: process.terminationStatus,
      signaled: process.terminationReason == .uncaughtSignal, output: texts[0], errors: texts[1])
  }
}
