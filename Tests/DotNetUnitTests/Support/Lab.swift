import Foundation
import TestSupport

/// What mcs, Mono.Cecil and the real runtimes make of Tests/Fixtures/dotnet/Lines.cs: made once.
struct Lab: Sendable {
  /// With a PDB beside it, and with one embedded.
  var beside: [UInt8]
  var embedded: [UInt8]
  var pdb: [UInt8]
  /// Where it was written: what `beside` says.
  var pdbPath: String
  /// Every sequence point, as Cecil reads it: `TOKEN OFFSET LINE COLUMN FILE`.
  var points: [Substring]
  /// `portable-pdb.exe members` of Lines.dll.
  var members: [Substring]
  /// What Lines.dll prints on 8.0.4 (PDB beside it), and on 3.1.23 (embedded).
  var traces: [String]
  /// The same source without any debug information.
  var bare: [UInt8]

  static let made = Result { try Lab() }

  static var runtimes: String {
    ProcessInfo.processInfo.environment["INQUEST_TEST_RUNTIMES"]
      ?? Places.repository + "/.cache/dotnet"
  }

  static let source = Places.repository + "/Tests/Fixtures/dotnet/Lines.cs"

  /// Assemblies of others: what Roslyn compiled, precompiled code, from small to large.
  enum Library: String, CaseIterable {
    case core8 = "8.0.4 System.Private.CoreLib"
    case core3 = "3.1.23 System.Private.CoreLib"
    case xml = "8.0.4 System.Private.Xml"
    case xml3 = "3.1.23 System.Private.Xml"
    case expressions = "8.0.4 System.Linq.Expressions"
    case data = "8.0.4 System.Data.Common"
    case basic = "8.0.4 Microsoft.VisualBasic.Core"
    case console = "8.0.4 System.Console"

    var path: String {
      let words = rawValue.split(separator: " ")
      return "\(Lab.runtimes)/\(words[0])/shared/Microsoft.NETCore.App/\(words[0])/\(words[1]).dll"
    }

    /// Cecil's idea of what is in it.
    var members: [Substring] {
      get throws { try Lab.members[self]!.get() }
    }
  }

  private static let members: [Library: Result<[Substring], any Error>] = {
    do {
      let scratch = try Scratch()
      let tool = try buildTool(in: scratch)
      return Dictionary(
        uniqueKeysWithValues: Library.allCases.map { library in
          let text = Result {
            try output(of: ["mono", tool, "members", library.path], timeout: 60)
          }
          return (library, text.map { $0.split(separator: "\n") })
        })
    } catch {
      return Dictionary(uniqueKeysWithValues: Library.allCases.map { ($0, .failure(error)) })
    }
  }()

  static func buildTool(in scratch: Scratch) throws -> String {
    let tool = scratch.file("portable-pdb.exe")
    let cecil = "/usr/lib/mono/gac/Mono.Cecil/0.11.0.0__0738eb9f132ed756/Mono.Cecil.dll"
    _ = try output(
      of: [
        "mcs", "-out:\(tool)", "-r:/usr/lib/mono/4.5/mcs.exe", "-r:\(cecil)",
        Places.repository + "/tools/portable-pdb.cs",
      ], timeout: 60)
    return tool
  }

  private init() throws {
    let scratch = try Scratch()
    let tool = try Self.buildTool(in: scratch)
    func make(_ folder: String) throws -> String {
      try FileManager.default.createDirectory(
        atPath: scratch.file(folder), withIntermediateDirectories: true)
      return scratch.file(folder + "/Lines.dll")
    }
    func compile(_ dll: String, _ options: String...) throws {
      _ = try output(of: ["mcs", "-unsafe", "-out:\(dll)"] + options + [Self.source], timeout: 60)
    }
    let (first, besideDLL, embeddedDLL) = try (make("mcs"), make("8.0"), make("3.1"))
    try compile(first, "-debug", "-optimize-")
    _ = try output(of: ["mono", tool, "beside", first, besideDLL])
    _ = try output(of: ["mono", tool, "embedded", first, embeddedDLL])
    points = try output(of: ["mono", tool, "list", besideDLL]).split(separator: "\n")
    members = try output(of: ["mono", tool, "members", besideDLL]).split(separator: "\n")
    traces = try [("8.0", "8.0.4"), ("3.1", "3.1.23")].map { short, version in
      try FileManager.default.copyItem(
        atPath: Places.repository + "/Tests/Fixtures/dotnet/runtimeconfig-\(short).json",
        toPath: scratch.file(short + "/Lines.runtimeconfig.json"))
      return try output(
        of: ["\(Self.runtimes)/\(version)/dotnet", scratch.file(short + "/Lines.dll")],
        environment: ["TMPDIR": scratch.path])
    }
    pdbPath = scratch.file("8.0/Lines.pdb")
    beside = try bytes(of: besideDLL)
    embedded = try bytes(of: embeddedDLL)
    pdb = try bytes(of: pdbPath)
    let bareDLL = try make("bare")
    try compile(bareDLL)
    bare = try bytes(of: bareDLL)
  }
}
