import CLinux

/// Makes a stage die or hang on purpose, so that tests can prove that a report survives it.
///
/// `INQUEST_FAULT=walk` raises SIGSEGV when the stage begins, `INQUEST_FAULT=walk:hang` sleeps for ever.
/// Only the first worker, or inspector, is struck: that is what a real bug does when its stage is switched
/// off, or its question not asked again. With `:always` at the end every one is.
enum FaultInjection {
  static let variable = "INQUEST_FAULT"

  static func strike(_ stage: Stage) { strike(named: stage.rawValue) }

  /// - Parameter name: of a stage, or of a point in the inspector: `inspector`, `inspector-threads`, ….
  static func strike(named name: String) {
    guard let wish = getenv(variable).map({ String(cString: $0) }) else { return }
    let words = wish.split(separator: ":")
    guard words.first.map(String.init) == name else { return }
    if words.contains("hang") { while true { pause() } }
    raise(SIGSEGV)
  }

  static func disarm() {
    let wish = getenv(variable).map { String(cString: $0) } ?? ""
    if !wish.hasSuffix(":always") { unsetenv(variable) }
  }
}
