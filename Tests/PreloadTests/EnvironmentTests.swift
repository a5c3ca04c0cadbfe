// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// What the user wanted is recovered byte for byte, for each generation of runtimes.
struct EnvironmentTests {
  static let variables = [
    "DOTNET_DbgEnableMiniDump", "COMPlus_DbgEnableMiniDump", "DOTNET_DbgMiniDumpName",
    "COMPlus_DbgMiniDumpName",
  ]

  struct Row: Sendable, CustomStringConvertible {
    var dotnet: String?
    var complus: String?
    var dotnetName: String?
    var complusName: String?
    /// What 6 and later, and what 3.1 and 5, would have done for such a user.
    var wanted: (dotnet: Bool, complus: Bool)
    var name: (dotnet: String?, complus: String?)

    var given: [String: String?] {
      let values = [dotnet, complus, dotnetName, complusName]
      return Dictionary(uniqueKeysWithValues: zip(EnvironmentTests.variables, values))
    }
    var description: String {
      [dotnet, complus, dotnetName, complusName].map { $0 ?? "-" }.joined(separator: " ")
    }
  }

  static let rows = [
    Row(wanted: (false, false), name: (nil, nil)),
    Row(dotnet: "1", wanted: (true, false), name: (nil, nil)),
    Row(complus: "1", wanted: (true, true), name: (nil, nil)),
    Row(dotnet: "1", complus: "1", wanted: (true, true), name: (nil, nil)),
    Row(dotnet: "0", complus: "1", wanted: (false, true), name: (nil, nil)),
    Row(dotnet: "1", complus: "0", wanted: (true, false), name: (nil, nil)),
    // As 8.0.4 and 3.1.23 were seen to read them.
    Row(complus: "01", wanted: (true, false), name: (nil, nil)),
    Row(complus: " +1x", wanted: (true, false), name: (nil, nil)),
    Row(dotnet: "-1", complus: "2", wanted: (true, false), name: (nil, nil)),
    Row(dotnet: "true", complus: "", wanted: (false, false), name: (nil, nil)),
    Row(dotnet: "4294967296", wanted: (false, false), name: (nil, nil)),
    Row(dotnet: "99999999999999999999", wanted: (false, false), name: (nil, nil)),
    Row(
      dotnet: "1", complus: "1", dotnetName: "/d/core.%p", complusName: "/d/core.%d",
      wanted: (true, true), name: ("/d/core.%p", "/d/core.%d")),
    Row(
      complus: "1", complusName: "core.%d", wanted: (true, true), name: ("core.%d", "core.%d")),
    Row(
      dotnet: "0", complus: "1", complusName: "./core", wanted: (false, true),
      name: ("./core", "./core")),
    Row(complusName: "/only/named", wanted: (false, false), name: ("/only/named", "/only/named")),
    Row(
      dotnet: "off", dotnetName: "/dev/null", complusName: "", wanted: (false, false),
      name: ("/dev/null", "")),
    Row(dotnet: "1", dotnetName: "", wanted: (true, false), name: ("", nil)),
    Row(dotnet: "1", dotnetName: "/", wanted: (true, false), name: ("/", nil)),
    Row(dotnet: "1", dotnetName: "/core", wanted: (true, false), name: ("/core", nil)),
    Row(
      dotnet: "1", dotnetName: "a//b/./../c d/", wanted: (true, false),
      name: ("a//b/./../c d/", nil)),
  ]

  /// Asks for the crash of a runtime of one generation, started by `shells` nested shells.
  private func crash(_ row: Row, six: Bool, shells: Int) throws -> Observation {
    let scene = try Scene()
    // The shell asks for the name as the runtime does, and hands it to createdump as it is.
    let name =
      six
      ? "${DOTNET_DbgMiniDumpName-${COMPlus_DbgMiniDumpName-absent}}"
      : "${COMPlus_DbgMiniDumpName-absent}"
    var script = """
      '\(try Stage.fixture("launcher"))' execve '\(scene.createdump)' createdump \
        --name "\(name)" --triage @ \(six ? "--signal 6 --crashthread @" : "")
      """
    for _ in 1..<shells {
      let quoted = script.replacingOccurrences(of: "'", with: "'\\''")
      script = "bash -c '\(quoted)'; exit $?"
    }
    let outcome = try scene.start("/bin/bash", ["-c", script], with: row.given)
    #expect(outcome.status == 0, "\(outcome)")
    #expect(try scene.createdumpSeen == nil)
    return try #require(try scene.collectorSeen)
  }

  @Test(arguments: rows, [1, 3])
  func isRecovered(_ row: Row, shells: Int) throws {
    for six in [true, false] {
      let seen = try crash(row, six: six, shells: shells)
      let wanted = six ? row.wanted.dotnet : row.wanted.complus
      let name = six ? row.name.dotnet : row.name.complus
      #expect(seen.arguments[5] == (wanted ? "user" : "none"), "six: \(six)")
      let original = Array(seen.arguments[9...])
      let expected = ["createdump"] + (name.map { ["--name", $0] } ?? []) + ["--triage"]
      #expect(Array(original.prefix(expected.count)) == expected, "six: \(six)")
      #expect(original.count == expected.count + (six ? 5 : 1))
      for variable in Self.variables {
        #expect(seen.value(variable) == row.given[variable]!, "\(variable), six: \(six)")
      }
    }
  }

  private func components(_ path: String) -> [Substring] {
    path.split(separator: "/").filter { $0 != "." }
  }

  @Test(arguments: rows) func plantedNamesAreTheSameFileOrNone(_ row: Row) throws {
    let scene = try Scene()
    for (prefix, wanted, name) in [
      ("DOTNET", row.wanted.dotnet, row.name.dotnet),
      ("COMPlus", row.wanted.complus, row.name.complus),
    ] {
      var planted = try scene.plantedName(prefix, with: row.given)
      if planted == nil, prefix == "DOTNET" {
        planted = try scene.plantedName("COMPlus", with: row.given)
      }
      let path = try #require(planted)
      if wanted {
        let name = name ?? "/tmp/coredump.%d"
        #expect(path != name)
        #expect(path.hasPrefix("/") == name.hasPrefix("/"))
        #expect(components(path) == components(name))
      } else {
        #expect(path.hasPrefix("/dev/null/"))
      }
      // 3.1 feeds it to snprintf with one number.
      #expect(!path.contains("%") || (name ?? "%d").contains("%"))
    }
  }

  @Test func unnamedDumpGoesWhereTheRuntimeWouldPutIt() throws {
    let scene = try Scene()
    let name = try scene.plantedName(
      "COMPlus", with: ["COMPlus_DbgEnableMiniDump": "1", "TMPDIR": "/var/tmp"])
    #expect(try #require(name).hasPrefix("/var/tmp/"))
  }

  @Test func dumpsAreEnabledWhereTheUserHadNot() throws {
    let scene = try Scene()
    for given in [nil, "0", "true"] as [String?] {
      let outcome = try scene.start(
        "/usr/bin/printenv", ["DOTNET_DbgEnableMiniDump", "COMPlus_DbgEnableMiniDump"],
        with: ["DOTNET_DbgEnableMiniDump": given, "COMPlus_DbgEnableMiniDump": given])
      #expect(outcome.output == "1\n1\n")
    }
  }

  @Test func nothingElseChangesInTheEnvironment() throws {
    let scene = try Scene()
    let many = Dictionary(uniqueKeysWithValues: (0..<3000).map { ("VARIABLE_\($0)", "\($0)") })
    let with = try scene.start("/usr/bin/env", [], with: many)
    let without = try scene.start(
      "/usr/bin/env", [], with: many.merging(["INQUEST_ENABLED": "0"]) { $1 })
    let ours = with.output.split(separator: "\n").filter { $0.contains("MiniDump") }
    #expect(ours.count == 4)
    let others = with.output.split(separator: "\n").filter { !$0.contains("MiniDump") }
    let expected = without.output.split(separator: "\n").filter { $0 != "INQUEST_ENABLED=0" }
    #expect(others.sorted() == expected.sorted())
  }

  /// Switched off halfway down a process tree, the user's own environment comes back.
  @Test(arguments: rows) func offSwitchBelowAShellRestores(_ row: Row) throws {
    let scene = try Scene()
    let outcome = try scene.start(
      "/bin/bash", ["-c", "INQUEST_ENABLED=off exec env"], with: row.given)
    let lines = outcome.output.split(separator: "\n").map(String.init)
    for variable in Self.variables {
      let line = row.given[variable]!.map { "\(variable)=\($0)" }
      #expect(lines.first { $0.hasPrefix(variable + "=") } == line)
    }
  }

  @Test func whatAScriptSaysCounts() throws {
    let scene = try Scene()
    let start = """
      '\(try Stage.fixture("launcher"))' execve '\(scene.createdump)' createdump \
        --name "$DOTNET_DbgMiniDumpName" @ --signal 6
      """
    let enable = "export DOTNET_DbgEnableMiniDump=1 DOTNET_DbgMiniDumpName=/d/core; "
    _ = try scene.start("/bin/bash", ["-c", enable + "bash -c \(quote(start)); exit $?"])
    #expect(try scene.collectorSeen?.arguments[5] == "user")
    #expect(try scene.collectorSeen?.arguments.contains("/d/core") == true)
    let disable = "export DOTNET_DbgEnableMiniDump=0; "
    _ = try scene.start(
      "/bin/bash", ["-c", disable + "bash -c \(quote(start)); exit $?"],
      with: ["DOTNET_DbgEnableMiniDump": "1"])
    #expect(try scene.collectorSeen?.arguments[5] == "none")
  }

  private func quote(_ script: String) -> String {
    "'" + script.replacingOccurrences(of: "'", with: "'\\''") + "'"
  }

  /// Longer than any path: left alone, and dumps are not enabled for the sake of it.
  @Test func tooLongNameIsLeftAlone() throws {
    let scene = try Scene()
    let long = String(repeating: "x", count: 5000)
    #expect(try scene.plantedName("DOTNET", with: ["DOTNET_DbgMiniDumpName": long]) == long)
    let outcome = try scene.start(
      "/usr/bin/printenv", ["DOTNET_DbgEnableMiniDump"], with: ["DOTNET_DbgMiniDumpName": long])
    #expect(outcome.status == 1)
  }
}
