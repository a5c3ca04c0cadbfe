import CLinux

/// Makes a stage die or hang on purpose, so that tests can prove that a report survives it.
///
/// `INQUEST_FAULT=walk` raises SIGSEGV when the stage begins, `INQUEST_FAULT=walk:hang` sleeps for ever.
/// Only the first worker is struck: that is what a real bug does when its stage is switched off.
enum FaultInjection {
  static func strike(_ stage: Stage) { strike(named: stage.rawValue) }

  /// - Parameter name: of a stage, or of a point in the inspector: `inspector`, `inspector-threads`, ….
  static func strike(named name: String) {
    guard let wish = getenv("INQUEST_FAULT").map({ String(cString: $0) }) else { return }
    if wish == name {
      raise(SIGSEGV)
    } else if wish == "\(name):hang" {
      while true { pause() }
    }
  }

  static func disarm() {
    unsetenv("INQUEST_FAULT")
  }
}
