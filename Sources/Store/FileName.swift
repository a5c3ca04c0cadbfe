internal import Glibc

extension ReportDirectory {
  /// The name of a report's file: `<name>-<pid>-<UTC time>-<id>.json`.
  ///
  /// A process chooses its own name, so every byte that could mean something to a shell, a terminal
  /// or a path is replaced, and the name is kept short enough for any file system.
  ///
  /// - Parameters:
  ///   - process: the process' name; may be hostile, or empty.
  ///   - unixSeconds: when the report was made.
  ///   - id: the report's id.
  public static func fileName(process: String, pid: Int, unixSeconds: Int, id: String) -> String {
    let name = harmless(process, limit: 64)
    let identifier = harmless(id, limit: 64)
    return "\(name.isEmpty ? "process" : name)-\(pid)-\(utc(unixSeconds))-"
      + "\(identifier.isEmpty ? "0" : identifier).json"
  }

  /// Letters, digits and a few marks; runs of anything else become one `_`. The first character is
  /// neither a dot (hidden, or a path step) nor a dash (an option).
  private static func harmless(_ text: String, limit: Int) -> String {
    var result: [UInt8] = []
    for byte in text.utf8 {
      guard result.count < limit else { break }
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        result.append(byte)
      case UInt8(ascii: "."), UInt8(ascii: "-"):
        if !result.isEmpty { result.append(byte) }
      default:
        if result.last != UInt8(ascii: "_") { result.append(UInt8(ascii: "_")) }
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// Basic ISO 8601, because a colon is a nuisance in file names.
  private static func utc(_ unixSeconds: Int) -> String {
    var seconds = time_t(max(0, min(unixSeconds, 253_402_300_799)))  // The year 9999 ends there.
    var parts = tm()
    gmtime_r(&seconds, &parts)
    func digits(_ value: Int32, _ width: Int) -> String {
      let text = String(value)
      return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }
    return digits(parts.tm_year + 1900, 4) + digits(parts.tm_mon + 1, 2) + digits(parts.tm_mday, 2)
      + "T" + digits(parts.tm_hour, 2) + digits(parts.tm_min, 2) + digits(parts.tm_sec, 2) + "Z"
  }
}

/// A report in the directory, as its file name tells it.
public struct StoredReport: Sendable, Equatable {
  public let path: String
  public let process: String
  public let pid: Int
  /// UTC, `20251121T032512Z`: sorts as text.
  public let time: String
  public let id: String

  /// The file's name without its directory.
  public var fileName: String {
    path.split(separator: "/").last.map(String.init) ?? path
  }

  /// - Returns: nil for anything that is not a finished report: another tool's file, or the temporary
  ///   file of a writer that was killed.
  init?(fileName: String, directory: String) {
    guard fileName.hasSuffix(".json"), !fileName.hasPrefix(".") else { return nil }
    let parts = fileName.dropLast(5).split(separator: "-", omittingEmptySubsequences: false)
    // From the end, because the process' name may contain anything that the other parts do.
    guard
      let clock = parts.indices.last(where: { Self.isTime(parts[$0]) }),
      clock >= 2, clock + 1 < parts.endIndex, let pid = Int(parts[clock - 1])
    else { return nil }
    self.path = directory + "/" + fileName
    self.process = parts[..<(clock - 1)].joined(separator: "-")
    self.pid = pid
    self.time = String(parts[clock])
    self.id = parts[(clock + 1)...].joined(separator: "-")
  }

  private static func isTime(_ text: Substring) -> Bool {
    let bytes = Array(text.utf8)
    guard bytes.count == 16 else { return false }
    return bytes.enumerated().allSatisfy { index, byte in
      switch index {
      case 8: byte == UInt8(ascii: "T")
      case 15: byte == UInt8(ascii: "Z")
      default: byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
      }
    }
  }
}
