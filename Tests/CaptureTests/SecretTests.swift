import Report
import TestSupport
import Testing

@testable import Capture

/// Field bug 32: what is in a report can be shown to anybody.
@Suite(.timeLimit(.minutes(5))) struct SecretTests {
  private let hidden = SecretFilter.replacement

  @Test func valuesOfSecretOptionsAreHidden() {
    let cases: [([String], [String])] = [
      (["app", "--password=x y"], ["app", "--password=\(hidden)"]),
      (["app", "--password", "x"], ["app", "--password", hidden]),
      (["app", "--PassWord", "x", "y"], ["app", "--PassWord", hidden, "y"]),
      (["app", "-token", "x"], ["app", "-token", hidden]),
      (["app", "API_KEY=x=y"], ["app", "API_KEY=\(hidden)"]),
      (
        ["app", "ConnectionStrings__ConnectionString=Server=a;"],
        ["app", "ConnectionStrings__ConnectionString=\(hidden)"]
      ),
      (["app", "--token", "--verbose"], ["app", "--token", "--verbose"]),
      (["app", "--token"], ["app", "--token"]),
      (["app", "postgres://u:p@h/db"], ["app", "postgres://u:\(hidden)@h/db"]),
      (["app", "amqp://u:p@ss@h/v"], ["app", "amqp://u:\(hidden)@h/v"]),
      (["app", "amqp://u:s3cr?t@h/v"], ["app", "amqp://u:\(hidden)@h/v"]),
      (["app", "amqp://u:p#@h?x=1"], ["app", "amqp://u:\(hidden)@h?x=1"]),
      (["app", "https://h:80/a@b"], ["app", "https://h:80/a@b"]),
      (["app", "--url=amqp://u:p@h"], ["app", "--url=amqp://u:\(hidden)@h"]),
      (["app", "--urls", "http://*:5000"], ["app", "--urls", "http://*:5000"]),
      (["app", "", "=", "://", "://@", ":@"], ["app", "", "=", "://", "://@", ":@"]),
      ([], []),
    ]
    for (arguments, expected) in cases {
      let (result, changed) = SecretFilter.redact(arguments)
      #expect(result == expected)
      #expect(changed == arguments.indices.filter { arguments[$0] != expected[$0] })
    }
  }

  @Test func aCapturedProcessKeepsItsSecrets() throws {
    let secret = "hunter2-\(UInt32.random(in: 1000...9_999_999))"
    let fixture = try Fixture(
      words: [
        Places.native("threads"), "2", "2", "--password=\(secret)", "--api-key", secret,
        "redis://me:\(secret)@cache:6379/0", "--level=info",
      ], environment: ["MY_TOKEN": secret, "DATABASE_URL": secret, "LANG": "C.UTF-8"])
    let captured = try Captured(fixture.pid)
    let text = String(decoding: captured.json, as: UTF8.self)
    #expect(!text.contains(secret))
    #expect(!text.contains("MY_TOKEN"))
    #expect(captured.report.process.environment?["LANG"] == "C.UTF-8")
    #expect(captured.report.process.arguments?.last == "--level=info")
    #expect(
      captured.report.report.redacted == [
        "/process/arguments/3", "/process/arguments/5", "/process/arguments/6",
      ])
  }
}
