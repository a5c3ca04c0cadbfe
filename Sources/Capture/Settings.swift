import CLinux

/// The INQUEST_ variables that the collector obeys. One that makes no sense is as if it were not set.
public enum Settings {
  /// Whether the real createdump runs after us.
  public enum Createdump: String, Sendable {
    /// Only where the user had enabled dumps.
    case auto
    case always
    case never
  }

  public static var createdump: Createdump {
    text("INQUEST_CREATEDUMP").flatMap { Createdump(rawValue: $0) } ?? .auto
  }

  /// Applies INQUEST_TIMEOUT (seconds) and INQUEST_MAX_FREEZE (milliseconds).
  public static func apply(to request: inout CaptureRequest) {
    if let seconds = text("INQUEST_TIMEOUT").flatMap(Double.init), seconds > 0, seconds <= 86400 {
      request.timeout = seconds
    }
    if let limit = text("INQUEST_MAX_FREEZE").flatMap(Double.init), limit > 0, limit <= 86_400_000 {
      request.maximumFreeze = limit
    }
  }

  private static func text(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }
}
