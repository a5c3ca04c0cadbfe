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
  try process.run()
  process.waitUntilExit()
  return Outcome(
    status: process.terminationStatus, signalled: process.terminationReason == .uncaughtSignal,
    output: try text(output), errors: try text(errors))
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
