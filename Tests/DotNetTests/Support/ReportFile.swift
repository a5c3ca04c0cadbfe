// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A report as any other program would read it: these tests share no code with what wrote it.
struct JSON: @unchecked Sendable {
  let value: Any?

  init(_ value: Any?) { self.value = value }

  subscript(_ key: String) -> JSON { JSON((value as? [String: Any])?[key]) }
  subscript(_ index: Int) -> JSON {
    let list = list
    return list.indices.contains(index) ? list[index] : JSON(nil)
  }

  var list: [JSON] { (value as? [Any])?.map(JSON.init) ?? [] }
  var text: String? { value as? String }
  var int: Int? { (value as? NSNumber)?.intValue }
  var double: Double? { (value as? NSNumber)?.doubleValue }
  var bool: Bool? { value as? Bool }
  var exists: Bool { value != nil }
  /// The number that "0x…" stands for.
  var address: UInt64? {
    guard let text, text.hasPrefix("0x") else { return nil }
    return UInt64(text.dropFirst(2), radix: 16)
  }
}

struct ReportFile: Sendable {
  let path: String
  let json: JSON

  init(_ path: String) throws {
    self.path = path
    json = JSON(
      try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path))))
  }

  /// Those in a folder, oldest first; anything but reports in there is a failure.
  static func all(in folder: String) throws -> [ReportFile] {
    guard FileManager.default.fileExists(atPath: folder) else { return [] }
    let names = try FileManager.default.contentsOfDirectory(atPath: folder)
    let strange = names.filter { !$0.hasSuffix(".json") }
    guard strange.isEmpty else { throw LabFailure(description: "left in \(folder): \(strange)") }
    return try names.map { try ReportFile(folder + "/" + $0) }
      .sorted {
        ($0.json["report"]["created_at"].text ?? "") < ($1.json["report"]["created_at"].text ?? "")
      }
  }

  var crash: JSON { json["crash"] }
  var signal: JSON { crash["signal"] }
  var threads: [JSON] { json["threads"].list }
  var crashed: JSON? { threads.first { $0["crashed"].bool == true } }
  var frames: [JSON] { crashed?["frames"].list ?? [] }
  var handlers: [JSON] { crashed?["handler_frames"].list ?? [] }
  var limitations: [JSON] { json["limitations"].list }

  func modulePath(_ frame: JSON) -> String? {
    frame["module"].int.flatMap { json["modules"][$0]["path"].text }
  }

  /// Where the C library has debug information, calls are inlined into it.
  var machineFrames: [JSON] { frames.filter { $0["kind"].text != "inlined" } }

  func function(_ index: Int) -> String? {
    machineFrames.indices.contains(index) ? machineFrames[index]["function"].text : nil
  }

  /// What tools/validate-report has against these reports.
  static func violations(_ paths: [String]) async throws -> String {
    guard !paths.isEmpty else { return "" }
    let outcome = try await Program.run([Lab.repository + "/tools/validate-report"] + paths)
    return outcome.ending == .exited(0)
      ? "" : "\(outcome.ending)\n\(outcome.output)\(outcome.errors)"
  }
}
