import Foundation
import TestSupport
import Testing

/// examples/dotnet-service: `make demo`, which is the main job from end to end.
@Suite(.timeLimit(.minutes(5))) struct DotnetServiceTests {
  @Test func theDemoShowsTheReport() throws {
    let outcome = try run(
      [Places.repository + "/tools/demo", Places.stage, Places.runtimes], timeout: 100)
    #expect(outcome.status == 0, "\(outcome)")
    // What the program's own source says of it.
    let shop = try String(
      contentsOfFile: Places.repository + "/examples/dotnet-service/Shop.cs", encoding: .utf8)
    let lines = shop.split(separator: "\n", omittingEmptySubsequences: false)
    let thrower = try #require(lines.firstIndex { $0.contains("throw new PricingException(") })
    #expect(outcome.text.contains("Unhandled PricingException: cannot price order"))
    #expect(outcome.text.contains("Shop.cs:\(thrower + 1)"))
    #expect(outcome.text.contains("(unhandled_exception, high confidence)"))
  }
}
