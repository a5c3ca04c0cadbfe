// SPDX-License-Identifier: Apache-2.0
import Foundation

/// The two real runtimes.
enum Runtime: String, CaseIterable, Sendable, CustomStringConvertible {
  case net8 = "8.0.4"
  case core3 = "3.1.23"

  var description: String { rawValue }

  private var root: String { Lab.runtimes + "/" + rawValue }
  var dotnet: String { root + "/dotnet" }
  var framework: String { "\(root)/shared/Microsoft.NETCore.App/\(rawValue)" }
  var programs: String { "\(Lab.fixtures)/dotnet/\(rawValue)" }
  var program: String { program("Crash") }
  func program(_ name: String) -> String { "\(programs)/\(name).dll" }
  var library: String { "\(Lab.fixtures)/dotnet/\(rawValue)/libcrash.so" }

  /// The prefix of its settings in the environment.
  var prefix: String { self == .net8 ? "DOTNET_" : "COMPlus_" }
}

/// Where everything is, and a folder for what tests write.
struct Lab: Sendable {
  static let shared = Result { try Lab() }

  static let repository: String = {
    var url = URL(fileURLWithPath: #filePath)
    for _ in 0..<4 { url.deleteLastPathComponent() }
    return url.path
  }()
  static let stage = place("STAGE", ".build/stage")
  static let runtimes = place("RUNTIMES", ".cache/dotnet")
  static let fixtures = place("FIXTURES", ".build/fixtures")
  static let inquest = stage + "/bin/inquest"
  static let collector = stage + "/libexec/inquest/inquest-collector"
  static let requestDump = repository + "/Tests/Fixtures/dotnet/request-dump"

  private static func place(_ variable: String, _ otherwise: String) -> String {
    ProcessInfo.processInfo.environment["INQUEST_TEST_" + variable]
      ?? repository + "/" + otherwise
  }

  static var isReady: Bool {
    let programs = [inquest, collector] + Runtime.allCases.map(\.dotnet)
    let files = Runtime.allCases.flatMap { [$0.program, $0.program("Throws")] }
    return programs.allSatisfy(FileManager.default.isExecutableFile)
      && files.allSatisfy(FileManager.default.fileExists)
  }

  /// Short, because the runtime puts sockets into TMPDIR.
  let folder: String
  /// Notes down how it was called, and becomes the collector.
  let notingCollector: String

  private init() throws {
    var template = Array("/tmp/iqt.XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw LabFailure(description: "no scratch folder") }
    let made = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    folder = made
    chmod(folder, 0o755)
    Self.toRemove.withLock { $0.append(made) }
    atexit {
      guard getenv("INQUEST_TEST_KEEP") == nil else { return }
      for path in Lab.toRemove.withLock({ $0 }) {
        try? FileManager.default.removeItem(atPath: path)
      }
    }
    notingCollector = folder + "/noting-collector"
    try Self.write(
      """
      #!/bin/sh
      for word; do printf '%s\\n' "$word"; done > "$INQUEST_DIR.calls.$$"
      exec "\(Self.collector)" "$@"

      """, to: notingCollector, mode: 0o755)
  }

  private static let toRemove = Locked<[String]>([])

  static func removeAtExit(_ path: String) { toRemove.withLock { $0.append(path) } }

  static func write(_ text: String, to path: String, mode: mode_t = 0o644) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    chmod(path, mode)
  }

  /// A new folder.
  func scratch() throws -> String {
    let path = folder + "/" + String(UUID().uuidString.prefix(8))
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    chmod(path, 0o755)
    return path
  }
}

/// A value behind a lock.
final class Locked<Value>: @unchecked Sendable {
  private var value: Value
  private let lock = NSLock()

  init(_ value: Value) { self.value = value }

  func withLock<R>(_ body: (inout Value) throws -> R) rethrows -> R {
    lock.lock()
    defer { lock.unlock() }
    return try body(&value)
  }
}

/// Lets a few programs run at a time: more would make each other late.
actor Gate {
  static let programs = Gate(places: 3)
  private var places: Int
  private var waiting: [CheckedContinuation<Void, Never>] = []

  init(places: Int) { self.places = places }

  private func enter() async {
    if places > 0 {
      places -= 1
    } else {
      await withCheckedContinuation { waiting.append($0) }
    }
  }

  private func leave() {
    if waiting.isEmpty { places += 1 } else { waiting.removeFirst().resume() }
  }

  nonisolated func run<R: Sendable>(_ body: () async throws -> R) async rethrows -> R {
    await enter()
    do {
      let result = try await body()
      await leave()
      return result
    } catch {
      await leave()
      throw error
    }
  }
}

/// Does a piece of work once for each key, whoever asks.
actor Once<Key: Hashable & Sendable, Value: Sendable> {
  private var tasks: [Key: Task<Value, any Error>] = [:]
  private let work: @Sendable (Key) async throws -> Value

  init(_ work: @escaping @Sendable (Key) async throws -> Value) { self.work = work }

  func value(_ key: Key) async throws -> Value {
    if let task = tasks[key] { return try await task.value }
    let work = work
    let task = Task { try await work(key) }
    tasks[key] = task
    return try await task.value
  }
}
