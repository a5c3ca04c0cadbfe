// SPDX-License-Identifier: Apache-2.0
import Foundation

/// What became of a program.
struct Outcome: Equatable, CustomStringConvertible {
  var status: Int32
  var signalled: Bool
  var output: String
  var errors: String

  var description: String {
    "\(signalled ? "signal" : "status") \(status)\noutput: \(output)\nerrors: \(errors)"
  }
}

/// Runs a program to its end, with exactly this environment.
func run(
  _ program: String, _ arguments: [String], environment: [String: String],
  in directory: String = "/"
) throws -> Outcome {
  // Files, not pipes: whatever a child leaves running must not keep the test waiting.
  let scratch = try Scratch()
  let output = scratch.path("output")
  let errors = scratch.path("errors")
  for file in [output, errors] { _ = FileManager.default.createFile(atPath: file, contents: nil) }
  let process = Process()
  process.executableURL = URL(fileURLWithPath: program)
  process.arguments = arguments
  process.environment = environment
  process.currentDirectoryURL = URL(fileURLWithPath: directory)
  process.standardInput = FileHandle.nullDevice
  process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
  process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errors))
  try withNoSignalBlocked { try process.run() }
  let pid = process.processIdentifier
  let deadline = DispatchWorkItem { kill(pid, SIGKILL) }
  DispatchQueue.global().asyncAfter(deadline: .now() + 60, execute: deadline)
  process.waitUntilExit()
  deadline.cancel()
  return Outcome(
    status: process.terminationStatus, signalled: process.terminationReason == .uncaughtSignal,
    output: try text(output), errors: try text(errors))
}

/// Dispatch's threads, on which tests run, block nearly every signal, and children inherit that: a
/// service would never learn that its own children ended.
func withNoSignalBlocked(_ body: () throws -> Void) rethrows {
  var none = sigset_t()
  var before = sigset_t()
  sigemptyset(&none)
  pthread_sigmask(SIG_SETMASK, &none, &before)
  defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
  try body()
}

func text(_ path: String) throws -> String {
  String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
}

/// A folder that goes away with its owner.
final class Scratch {
  let folder: String

  init() throws {
    folder = Stage.temporary + "/" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  func path(_ name: String) -> String { folder + "/" + name }
}
