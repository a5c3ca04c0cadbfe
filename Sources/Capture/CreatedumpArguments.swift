/// What the runtime told createdump on its command line (Tests/Fixtures/dotnet/truth.md; every version from
/// 3.1 to the newest is accepted, because the shim passes on whatever it was given).
public struct CreatedumpArguments: Sendable, Equatable {
  public var pid: Int32?
  public var signal: Int?
  public var code: Int?
  public var errno: Int?
  /// si_addr; the runtime prints it as a signed decimal.
  public var address: UInt64?
  public var crashThread: Int32?
  /// Arguments that no known version has; kept for the report's limitations.
  public var unknown: [String] = []

  private static let flags: Set<String> = [
    "-n", "--normal", "-h", "--withheap", "-t", "--triage", "-u", "--full", "-d", "--diag", "-v",
    "--verbose", "--crashreport", "--crashreportonly", "--singlefile", "--nativeaot",
  ]
  private static let ignoredWithValue: Set<String> = [
    "-f", "--name", "-l", "--logtofile", "--exception-record",
  ]

  /// - Parameter words: the arguments without the program's name.
  public init(_ words: [String]) {
    var rest = words[...]
    while let word = rest.popFirst() {
      switch word {
      case "--signal": signal = rest.popFirst().flatMap { Int($0) }
      case "--code": code = rest.popFirst().flatMap { Int($0) }
      case "--errno": errno = rest.popFirst().flatMap { Int($0) }
      case "--address":
        address = rest.popFirst().flatMap { text in
          Int64(text).map { UInt64(bitPattern: $0) } ?? UInt64(text)
        }
      case "--crashthread": crashThread = rest.popFirst().flatMap { Int32($0) }
      case let flag where Self.flags.contains(flag): continue
      case let option where Self.ignoredWithValue.contains(option): _ = rest.popFirst()
      default:
        if let number = Int32(word), number > 0 { pid = number } else { unknown.append(word) }
      }
    }
  }
}
