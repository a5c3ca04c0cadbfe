// SPDX-License-Identifier: Apache-2.0
import Foundation

/// How a program was started, as it saw it.
struct Observation: Equatable {
  var arguments: [String]
  var environment: [String]

  init?(at path: String) throws {
    guard let data = FileManager.default.contents(atPath: path) else { return nil }
    var entries = data.split(separator: 0, omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self) }
    // An argument may be empty too: the arguments end at the last empty entry but the very last.
    entries.removeLast()
    let border = entries.lastIndex(of: "") ?? entries.endIndex
    arguments = Array(entries[..<border])
    environment = Array(entries[border...].dropFirst())
  }

  func value(_ name: String) -> String? {
    environment.first { $0.hasPrefix(name + "=") }.map { String($0.dropFirst(name.count + 1)) }
  }
}

/// A folder with an observer in the place of the collector and another in that of createdump.
final class Scene {
  let scratch: Scratch
  var collector: String { scratch.path("inquest-collector") }
  var createdump: String { scratch.path("createdump") }

  init() throws {
    scratch = try Scratch()
    try placeObserver("inquest-collector")
    try placeObserver("createdump")
  }

  func placeObserver(_ name: String) throws {
    let path = URL(fileURLWithPath: scratch.path(name))
    try FileManager.default.createDirectory(
      at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
    // A hard link, because the observer writes next to the file that it was started from.
    try FileManager.default.linkItem(
      atPath: try Stage.fixture("observer"), toPath: path.path)
  }

  var environment: [String: String] {
    get throws {
      [
        "PATH": "/usr/bin:/bin", "HOME": "/tmp", "LC_ALL": "C", "LD_PRELOAD": try Stage.shim,
        "INQUEST_COLLECTOR": collector,
      ]
    }
  }

  /// Starts a program below the shim; a variable given as nil is taken out.
  func start(
    _ program: String, _ arguments: [String], with changes: [String: String?] = [:]
  ) throws -> Outcome {
    var environment = try environment
    for (name, value) in changes { environment[name] = value }
    return try run(program, arguments, environment: environment, in: scratch.folder)
  }

  /// Puts a shell script in the place of the collector: `$3` is the pid, `$PPID` who executed it.
  func placeScript(_ text: String) throws {
    let source = scratch.path("script")
    try Data("#!/bin/sh\n\(text)\n".utf8).write(to: URL(fileURLWithPath: source))
    // By a process of its own: a child that another test forks meanwhile would inherit a descriptor
    // that is open for writing, and nobody can execute such a file.
    try FileManager.default.removeItem(atPath: collector)
    try Stage.build("install", ["-m", "755", source, collector])
  }

  /// Starts `program`, with signals caught; its parent's view of its end is the output's last line.
  func outcome(
    _ program: [String], caught: Bool = true, with changes: [String: String?] = [:]
  ) throws -> Outcome {
    var environment = try environment
    environment["INQUEST_CATCH"] = "1"
    for (name, value) in changes { environment[name] = value }
    if !caught { environment["LD_PRELOAD"] = nil }
    let variables = environment.map { "\($0)=\($1)" }
    return try run(
      try Stage.fixture("outcome"), ["/usr/bin/env", "-i"] + variables + program, environment: [:],
      in: scratch.folder)
  }

  /// Starts createdump as a dying runtime does; `@` among the arguments is the runtime's pid.
  func createdump(
    _ arguments: [String], how: String = "execve", path: String? = nil,
    c: Stage.C = .glibc, with changes: [String: String?] = [:]
  ) throws -> Outcome {
    try start(
      try Stage.fixture("launcher", c), [how, path ?? createdump] + arguments, with: changes)
  }

  /// The name that the constructor planted, as a runtime of this prefix would read it.
  func plantedName(_ prefix: String, with changes: [String: String?] = [:]) throws -> String? {
    let shell = try start(
      "/usr/bin/printenv", ["\(prefix)_DbgMiniDumpName"], with: changes)
    return shell.status == 0 ? String(shell.output.dropLast()) : nil
  }

  var collectorSeen: Observation? {
    get throws { try Observation(at: collector + ".seen") }
  }

  var createdumpSeen: Observation? {
    get throws { try Observation(at: createdump + ".seen") }
  }
}
