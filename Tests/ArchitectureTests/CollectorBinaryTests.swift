import TestSupport
import Testing

/// What is linked into the collector that users get. One careless call links a whole library: half of what it
/// once was came from one use of `ContinuousClock`, one of `String.contains` and a JSON reader.
@Suite struct CollectorBinaryTests {
  private static let collector = Places.stage + "/libexec/inquest/inquest-collector"

  @Test func nothingIsLinkedThatACaptureDoesNotNeed() throws {
    let symbols = try output(of: ["nm", Self.collector])
    #expect(symbols.contains("$s7Capture"))
    for name in [
      "20FoundationEssentials", "$s12_Concurrency", "$s17_StringProcessing", "dispatch_async",
    ] {
      #expect(!symbols.contains(name), "\(name) is linked into the collector")
    }
  }

  /// So that it runs in an image that has no debugging libraries, and starts without loading any.
  @Test func onlyLibcAndLibunwindAreNeeded() throws {
    let needed = try output(of: ["readelf", "-dW", Self.collector]).split(separator: "\n")
      .filter { $0.contains("(NEEDED)") }
      .compactMap { $0.split(separator: "[").last.map { $0.prefix { $0.isLetter } } }
    #expect(Set(needed) == ["libc", "libm", "libunwind", "ld"])
  }

  /// tools/link/functions is the order of what runs: were it out of date, the linker would find few of its names.
  @Test func theLinkerKnowsTheFunctionsThatRun() throws {
    let symbols = Set(
      try output(of: ["nm", "--defined-only", Self.collector]).split(separator: "\n")
        .compactMap { $0.split(separator: " ").last })
    let listed = try output(of: ["cat", Places.repository + "/tools/link/functions"])
      .split(separator: "\n")
    let found = listed.count { symbols.contains($0) }
    #expect(listed.count > 1000)
    #expect(found * 2 > listed.count, "run tools/link/order: \(found) of \(listed.count) are known")
  }
}
