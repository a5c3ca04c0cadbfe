import Foundation
import TestSupport
import Testing

/// The modules and who may see whom: design/architecture.md. Read from the manifest itself.
@Suite struct ModuleGraphTests {
  private struct Description: Decodable {
    struct Target: Decodable {
      var name: String
      var type: String
      var path: String
      var targetDependencies: [String]?
      var productDependencies: [String]?
      enum CodingKeys: String, CodingKey {
        case name, type, path
        case targetDependencies = "target_dependencies"
        case productDependencies = "product_dependencies"
      }
    }
    var targets: [Target]
  }

  /// Everything that a target may depend on; it need not.
  private static let allowed: [String: Set<String>] = [
    "CLinux": [], "CUnwind": [], "CElfutils": [], "CDemangle": [], "CDac": [],
    "CZlib": [], "CCapstone": [],
    "Report": [], "ReportReader": ["Report"], "Memory": [],
    "Inferior": ["CLinux", "Memory"],
    "Unwinding": ["CUnwind", "Memory"],
    "Symbols": ["CElfutils", "CDemangle", "Memory"],
    "Disassembly": ["CCapstone", "Memory"],
    "DotNet": ["CDac", "CLinux", "CZlib", "Memory"],
    "Diagnosis": ["Report"],
    "Render": ["Report"],
    "Store": ["CLinux", "Report"],
    "Capture": [
      "CLinux", "Diagnosis", "Disassembly", "DotNet", "Inferior", "Memory", "Report", "Store",
      "Symbols", "Unwinding",
    ],
    "inquest-collector": ["Capture", "Report"],
    "inquest": ["CLinux", "Diagnosis", "Render", "Report", "ReportReader", "Store"],
  ]

  private static let description = Result<Description, any Error> {
    // Its own build folder: the one beside us is locked by whoever runs the tests.
    let scratch = try Scratch()
    let manifest = try output(
      of: [
        "swift", "package", "--package-path", Places.repository, "--scratch-path", scratch.path,
        "--disable-automatic-resolution", "--skip-update", "describe", "--type", "json",
      ], timeout: 60)
    let start = try #require(manifest.firstIndex(of: "{"))
    return try JSONDecoder().decode(Description.self, from: Data(manifest[start...].utf8))
  }

  private func targets() throws -> [Description.Target] {
    try Self.description.get().targets.filter { $0.type != "test" && $0.name != "TestSupport" }
  }

  @Test(.timeLimit(.minutes(5))) func nobodyDependsOnMoreThanTheDesignAllows() throws {
    let targets = try targets()
    #expect(targets.count >= 15)
    for target in targets {
      let allowed = try #require(
        Self.allowed[target.name], "\(target.name) is new: say here whom it may see")
      let extra = Set(target.targetDependencies ?? []).subtracting(allowed)
      #expect(extra.isEmpty, "\(target.name) must not depend on \(extra)")
      let products = target.productDependencies ?? []
      #expect(products == (target.name == "inquest" ? ["ArgumentParser"] : []), "\(target.name)")
    }
  }

  /// Bytes and registers go in as values, so that tests and core files can take a process's place.
  @Test func whatReadsMemoryCannotStopAnyone() throws {
    let targets = try targets()
    for name in ["Unwinding", "DotNet", "Symbols", "Disassembly"] {
      let target = try #require(targets.first { $0.name == name })
      #expect(target.targetDependencies?.contains("Inferior") != true, "\(name)")
    }
    #expect(targets.first { $0.name == "Report" }?.targetDependencies ?? [] == [])
  }

  @Test func onlyTheirOwnersImportCModules() throws {
    let owners: [String: Set<String>] = [
      "CUnwind": ["Unwinding"], "CElfutils": ["Symbols"], "CDemangle": ["Symbols"],
      "CDac": ["DotNet"], "CZlib": ["DotNet"], "CCapstone": ["Disassembly"],
      "CLinux": ["Inferior", "Capture", "Store", "DotNet", "inquest"],
    ]
    for source in try SourceTree.swiftFiles("Sources") {
      for name in source.imports {
        if name.hasPrefix("C"), let allowed = owners[name] {
          #expect(allowed.contains(source.module), "\(source.path) imports \(name)")
        }
      }
    }
  }

  /// What a file imports its module must have said that it depends on: the build would find a module
  /// that merely happens to be built already.
  @Test func everyImportIsDeclared() throws {
    let system: Set<String> = [
      "Glibc", "FoundationEssentials", "Foundation", "ArgumentParser", "Synchronization", "Musl",
    ]
    for source in try SourceTree.swiftFiles("Sources") {
      let allowed = try #require(Self.allowed[source.module], "\(source.path)")
      for name in source.imports where !system.contains(name) {
        #expect(allowed.contains(name), "\(source.path) imports \(name)")
      }
    }
  }

  /// The crash path starts within milliseconds: only reading and showing reports needs Foundation.
  @Test func foundationStaysOutOfTheCrashPath() throws {
    for source in try SourceTree.swiftFiles("Sources") {
      let foundations = source.imports.filter { $0.hasPrefix("Foundation") }
      let isOutside = ["inquest", "Render", "ReportReader"].contains(source.module)
      #expect(foundations.isEmpty || isOutside, "\(source.path)")
    }
  }
}
