// SPDX-License-Identifier: Apache-2.0
import Foundation

/// What the real createdump has written with EnableCrashReportOnly=1. It escapes nothing, so it may be no
/// JSON; but each key is on a line of its own.
struct CreatedumpReport: Sendable {
  struct Frame: Sendable {
    var ip: UInt64
    var sp: UInt64
    var method: String
    var token: UInt64
    var offset: UInt64
    var file = ""
    var mvid = ""
  }

  struct Thread: Sendable {
    var id: Int
    var isCrashed = false
    var exceptionType: String?
    var hresult: String?
    var ip: UInt64 = 0
    var sp: UInt64 = 0
    /// The managed ones.
    var frames: [Frame] = []
  }

  private(set) var threads: [Thread] = []

  init(_ path: String) throws {
    let text = String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
    var next = Thread(id: 0)
    var (address, stack, token, offset): (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    for line in text.split(separator: "\n") {
      guard let (key, value) = Self.entry(line) else { continue }
      switch key {
      case "crashed": next = Thread(id: 0, isCrashed: value == "true")
      case "managed_exception_type": next.exceptionType = value
      case "managed_exception_hresult": next.hresult = value
      case "native_thread_id":
        next.id = Int(Self.number(value))
        threads.append(next)
      case _ where threads.isEmpty: break
      case "IP": threads[threads.count - 1].ip = Self.number(value)
      case "SP": threads[threads.count - 1].sp = Self.number(value)
      case "native_address": address = Self.number(value)
      case "stack_pointer": stack = Self.number(value)
      case "native_offset": offset = Self.number(value)
      case "token": token = Self.number(value)
      case "method_name":
        threads[threads.count - 1].frames.append(
          Frame(ip: address, sp: stack, method: value, token: token, offset: offset))
      case "filename", "guid":
        let frames = threads[threads.count - 1].frames
        guard let last = frames.last, last.ip == address else { break }
        let keyPath = key == "guid" ? \Frame.mvid : \Frame.file
        threads[threads.count - 1].frames[frames.count - 1][keyPath: keyPath] = value
      default: break
      }
    }
  }

  /// `"key" : "value",`, whatever the value has in it.
  private static func entry(_ line: Substring) -> (String, String)? {
    guard let middle = line.range(of: "\" : \""), let start = line.firstIndex(of: "\""),
      start < middle.lowerBound, let end = line.lastIndex(of: "\""), end >= middle.upperBound
    else { return nil }
    return (
      String(line[line.index(after: start)..<middle.lowerBound]),
      String(line[middle.upperBound..<end])
    )
  }

  private static func number(_ text: String) -> UInt64 {
    UInt64(text.hasPrefix("0x") ? text.dropFirst(2) : text[...], radix: 16) ?? 0
  }
}
