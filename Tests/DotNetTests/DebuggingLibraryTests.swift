// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// What lies beside the runtime is not its debugging library: nothing of it is believed, and the report has
/// all that can be had without.
@Suite(.enabled(if: Lab.isReady, "run `make fixtures` first"))
struct DebuggingLibraryTests {
  enum Replacement: String, CaseIterable, Sendable, CustomStringConvertible {
    case missing, ofTheOtherRuntime, garbage, empty, folder, pipe, zeroes, huge, half
    case halfWithVersion, library, loop
    var description: String { rawValue }

    /// What the report says of it.
    var words: String {
      switch self {
      case .missing: "is not there"
      case .ofTheOtherRuntime: "is of another version"
      case .garbage, .half: "is no debugging library of .NET"
      case .empty: "unlikely size of 0 bytes"
      case .folder, .pipe, .zeroes: "it is no regular file"
      case .huge: "unlikely size of 8796093022208 bytes"
      case .halfWithVersion: "ended by SIGBUS while loading"
      case .library: "is no data access library"
      case .loop: "Too many levels of symbolic links"
      }
    }

    func make(_ runtime: Runtime) async throws -> BrokenRuntime {
      let other: Runtime = runtime == .net8 ? .core3 : .net8
      if self == .library { return try await BrokenRuntime(runtime, acting: "nothing") }
      let made = try await BrokenRuntime(runtime)
      let path = made.library
      let place = URL(fileURLWithPath: path)
      let real = try BrokenRuntime.bytes(of: runtime)
      let half = real.prefix(real.count / 2)
      switch self {
      case .missing, .library: break
      case .ofTheOtherRuntime: try BrokenRuntime.bytes(of: other).write(to: place)
      case .garbage:
        try Data((0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }).write(to: place)
      case .empty: try Data().write(to: place)
      case .folder: mkdir(path, 0o755)
      case .pipe: mkfifo(path, 0o644)
      case .zeroes: symlink("/dev/zero", path)
      case .huge:
        try half.write(to: place)
        #expect(truncate(path, 8 << 40) == 0)
      case .half: try half.write(to: place)
      case .halfWithVersion:
        let version = try BrokenRuntime.version(of: runtime)
        try (half + Data(version.utf8) + Data([0])).write(to: place)
      case .loop: symlink(path, path)
      }
      return made
    }
  }

  @Test(arguments: Replacement.allCases, Runtime.allCases)
  func whatIsNoneIsNotUsed(_ replacement: Replacement, _ runtime: Runtime) async throws {
    let broken = try await replacement.make(runtime)
    for trigger in Inspected.Trigger.allCases {
      let look = try await Inspected.of(trigger, on: runtime, dotnet: broken.dotnet)
      try await look.expectIntact()
      // What cannot be seen to be damaged is tried, and kills the inspector.
      let isTried = replacement == .halfWithVersion
      look.expectNoNames(isTried ? "failed" : "unavailable", replacement.words)
      #expect(look.problems.count == 1)
      // It is named by the path at which a person finds it.
      if replacement != .ofTheOtherRuntime {
        #expect(look.problems.first?.contains(broken.library) == true, "\(look.problems)")
      }
      let remedy = look.limitations.first?["remedy"].text ?? ""
      #expect(["install", "put", "readable", "can read"].contains { remedy.contains($0) })
      #expect((look.report.json["report"]["timing"]["total_ms"].double ?? .infinity) < 2000)
    }
  }

  /// The service's user may not read it; nor may its collector.
  @Test(
    .enabled(if: getuid() == 0, "needs root to become nobody"), arguments: Runtime.allCases)
  func unreadable(_ runtime: Runtime) async throws {
    let nobody = ["/usr/bin/setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    let broken = try await BrokenRuntime(runtime)
    try BrokenRuntime.bytes(of: runtime).write(to: URL(fileURLWithPath: broken.library))
    chmod(broken.library, 0)
    let run = try await Gate.programs.run {
      var place = try Run.Place("exception", on: runtime, .on)
      chown(place.folder, 65534, 65534)
      place.words = place.words.map { $0 == runtime.dotnet ? broken.dotnet : $0 }
      place.words = nobody + (try await AdversityTests.readable(nobody, place.words))
      return try await place.finish(try place.start())
    }
    let look = Inspected(
      trigger: .crash, runtime: runtime, report: try #require(run.reports.first),
      outcome: run.outcome, seconds: 0)
    try await look.expectIntact()
    look.expectNoNames("unavailable", "libmscordaccore.so: Permission denied")
    #expect(look.limitations.first?["remedy"].text?.contains("service's user") == true)
  }

  /// Root could read it for a service whose user cannot; it is loaded as that user, so it is not.
  @Test(
    .enabled(if: getuid() == 0, "needs root to become nobody"), arguments: Runtime.allCases)
  func unreadableForTheServiceOnly(_ runtime: Runtime) async throws {
    let nobody = ["/usr/bin/setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    let broken = try await BrokenRuntime(runtime)
    try BrokenRuntime.bytes(of: runtime).write(to: URL(fileURLWithPath: broken.library))
    chmod(broken.library, 0o600)
    let look = try await Inspected.of(
      .live, on: runtime, dotnet: broken.dotnet, launcher: nobody)
    try await look.expectIntact()
    look.expectNoNames("unavailable", "libmscordaccore.so: Permission denied")
  }

  /// A link is followed to where the service would find it.
  @Test(arguments: Runtime.allCases)
  func aLinkToTheRealOneIsGoodEnough(_ runtime: Runtime) async throws {
    let broken = try await BrokenRuntime(runtime)
    let real = BrokenRuntime.library(in: "\(Lab.runtimes)/\(runtime)", runtime)
    symlink(real, broken.library)
    let look = try await Inspected.of(.crash, on: runtime, dotnet: broken.dotnet)
    try await look.expectIntact()
    #expect(look.inspection == "ok" && look.limitations.isEmpty)
    #expect(look.report.json["exception"]["type"].text == "System.InvalidOperationException")
  }
}
