// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// What the collector, or createdump in its stead, is started with.
struct HandoverTests {
  static let crash = ["createdump", "--triage", "@", "--signal", "6", "--crashthread", "@"]
  static let enabled: [String: String?] = ["DOTNET_DbgEnableMiniDump": "1"]

  @Test(arguments: [Stage.C.glibc, .musl]) func argumentsOfTheCollector(_ c: Stage.C) throws {
    let scene = try Scene()
    #expect(try scene.createdump(Self.crash, c: c).status == 0)
    let seen = try #require(try scene.collectorSeen)
    let pid = try #require(Int(seen.arguments[3]))
    #expect(
      seen.arguments == [
        "inquest-collector", "crash", "--pid", "\(pid)", "--dumps", "none", "--createdump",
        scene.createdump, "--", "createdump", "--triage", "\(pid)", "--signal", "6",
        "--crashthread", "\(pid)",
      ])
  }

  @Test func environmentOfTheCollector() throws {
    let scene = try Scene()
    _ = try scene.createdump(Self.crash, with: ["INQUEST_MAX_FREEZE": "5", "EMPTY": ""])
    let expected = [
      "PATH=/usr/bin:/bin", "HOME=/tmp", "LC_ALL=C", "INQUEST_COLLECTOR=\(scene.collector)",
      "INQUEST_MAX_FREEZE=5", "EMPTY=", "SWIFT_BACKTRACE=enable=no",
    ]
    #expect(try scene.collectorSeen?.environment.sorted() == expected.sorted())
  }

  @Test(arguments: [("@", nil), ("@:B", "B"), ("B:@", "B"), ("B @", "B"), ("@ B:@", "B")])
  func onlyOurselvesLeaveThePreload(_ given: String, _ left: String?) throws {
    let scene = try Scene()
    let bystander = try Stage.fixture("libbystander.so")
    func fill(_ list: String) throws -> String {
      list.replacingOccurrences(of: "B", with: "\u{1}")
        .replacingOccurrences(of: "@", with: try Stage.shim)
        .replacingOccurrences(of: "\u{1}", with: bystander)
    }
    let outcome = try scene.createdump(Self.crash, with: ["LD_PRELOAD": try fill(given)])
    #expect(outcome.errors.isEmpty)
    #expect(try scene.collectorSeen?.value("LD_PRELOAD") == left.map(fill))
  }

  @Test func renamedShimLeavesThePreload() throws {
    let scene = try Scene()
    let renamed = scene.scratch.path("other-name.so")
    try FileManager.default.copyItem(atPath: try Stage.shim, toPath: renamed)
    _ = try scene.createdump(Self.crash, with: ["LD_PRELOAD": renamed])
    let seen = try #require(try scene.collectorSeen)
    #expect(seen.value("LD_PRELOAD") == nil)
  }

  @Test(arguments: [nil, "enable=yes,color=no", ""])
  func swiftBacktracesAreOff(_ given: String?) throws {
    let scene = try Scene()
    _ = try scene.createdump(
      Self.crash,
      with: ["SWIFT_BACKTRACE": given, "INQUEST_SAVED_SWIFT_BACKTRACE": "an ancestor's"])
    let seen = try #require(try scene.collectorSeen)
    #expect(seen.environment.filter { $0.hasPrefix("SWIFT_BACKTRACE=") }.count == 1)
    #expect(seen.value("SWIFT_BACKTRACE") == "enable=no")
    #expect(seen.value("INQUEST_SAVED_SWIFT_BACKTRACE") == given)
  }

  @Test func tenThousandArguments() throws {
    let scene = try Scene()
    #expect(try scene.createdump(Self.crash, how: "many").status == 0)
    let arguments = try #require(try scene.collectorSeen?.arguments)
    #expect(arguments.count == 9 + Self.crash.count + 10_000)
    #expect(arguments.dropFirst(9 + Self.crash.count).allSatisfy { $0 == "--diag" })
  }

  /// Field bugs, the hook, 5: the kernel has no memory for us.
  @Test func withoutMemory() throws {
    let scene = try Scene()
    let outcome = try scene.createdump(Self.crash, how: "no-memory")
    #expect(outcome.status == 0, "\(outcome)")
    #expect(outcome.errors.isEmpty)
    let seen = try #require(try scene.collectorSeen)
    #expect(seen.arguments.count == 9 + Self.crash.count)
    #expect(seen.value("LD_PRELOAD") == nil)
  }

  @Test func withTooLittleMemoryCreatedumpIsUntouched() throws {
    let scene = try Scene()
    let outcome = try scene.createdump(Self.crash, how: "no-memory many")
    #expect(outcome.status == 0, "\(outcome)")
    #expect(outcome.errors == "inquest: no memory to start the collector\n")
    #expect(try scene.collectorSeen == nil)
    #expect(try scene.createdumpSeen?.arguments.count == Self.crash.count + 10_000)
  }

  /// A process that died of having no descriptors left, or no address space.
  @Test func limitsOfTheProcessAreNotTheCollectors() throws {
    let scene = try Scene()
    try scene.placeScript("ulimit -Sn > log; ls /proc/self/fd | wc -l >> log")
    let script = """
      ulimit -Sn 12; ulimit -Sv 30000; exec 3<&0 4<&0 5<&0 6<&0 7<&0 8<&0 9<&0
      exec '\(try Stage.fixture("launcher"))' execve '\(scene.createdump)' createdump @ --signal 6
      """
    #expect(try scene.start("/bin/bash", ["-c", script]).status == 0)
    let lines = try text(scene.scratch.path("log")).split(separator: "\n").map { Int($0) }
    // 0, 1, 2 and the folder that ls reads.
    #expect(lines.count == 2 && lines[0] != 12 && lines[1] == 4, "\(lines)")
  }

  @Test func noEnvironmentAtAll() throws {
    let scene = try Scene()
    #expect(try scene.createdump(Self.crash, how: "null-envp").status == 0)
    #expect(try scene.collectorSeen?.environment == ["SWIFT_BACKTRACE=enable=no"])
  }

  @Test func noArgumentsAtAll() throws {
    let scene = try Scene()
    #expect(try scene.createdump([], how: "null-argv").status == 0)
    #expect(try scene.createdumpSeen != nil)
  }

  @Test func vforkedChild() throws {
    let scene = try Scene()
    #expect(try scene.createdump(Self.crash, how: "vfork").status == 0)
    #expect(try scene.collectorSeen != nil)
  }

  /// A collector of the right name, but nothing that this machine can run.
  enum Broken: CaseIterable { case missing, notExecutable, wrongArchitecture, folder, text }

  private func breakCollector(_ scene: Scene, _ how: Broken) throws -> Int {
    let manager = FileManager.default
    let path = scene.collector
    if how == .notExecutable {
      // The observer is one file with many names: its mode is everybody's.
      let data = try #require(manager.contents(atPath: path))
      try manager.removeItem(atPath: path)
      _ = manager.createFile(atPath: path, contents: data, attributes: [.posixPermissions: 0o644])
      return 13  // EACCES
    }
    var data = try #require(manager.contents(atPath: path))
    try manager.removeItem(atPath: path)
    switch how {
    case .missing, .notExecutable: return 2  // ENOENT
    case .folder:
      try manager.createDirectory(atPath: path, withIntermediateDirectories: false)
      return 13
    case .wrongArchitecture: data[18] = 0xF7  // e_machine: BPF
    case .text: data = Data("no program".utf8)
    }
    let source = scene.scratch.path("source")
    _ = manager.createFile(atPath: source, contents: data, attributes: [.posixPermissions: 0o755])
    // Written by a process of its own: a child that another test forks meanwhile would inherit our
    // descriptor, and to execute a file that is open for writing is a different error.
    try Stage.build("cp", [source, path])
    return 8  // ENOEXEC
  }

  @Test(arguments: Broken.allCases)
  func brokenCollectorFallsBackToCreatedump(_ how: Broken) throws {
    let scene = try Scene()
    let error = try breakCollector(scene, how)
    let outcome = try scene.createdump(
      Self.crash,
      with: ["DOTNET_DbgEnableMiniDump": "1", "SWIFT_BACKTRACE": "enable=yes"])
    #expect(outcome.status == 0)
    let line = "inquest: cannot execute the collector \(scene.collector): error \(error)\n"
    #expect(outcome.errors == line)
    let seen = try #require(try scene.createdumpSeen)
    #expect(seen.arguments.count == Self.crash.count)
    #expect(seen.value("LD_PRELOAD") == (try Stage.shim))
    #expect(seen.value("SWIFT_BACKTRACE") == "enable=yes")
    #expect(seen.value("INQUEST_SAVED_SWIFT_BACKTRACE") == nil)
  }

  @Test func fallbackGetsTheUsersOwnNameAndVariables() throws {
    let scene = try Scene()
    _ = try breakCollector(scene, .missing)
    let user: [String: String?] = [
      "COMPlus_DbgEnableMiniDump": "1", "COMPlus_DbgMiniDumpName": "dumps/core.%d",
    ]
    let name = try #require(try scene.plantedName("COMPlus", with: user))
    #expect(name != "dumps/core.%d")
    let outcome = try scene.createdump(["createdump", "--name", name, "@"], with: user)
    #expect(outcome.status == 0)
    let seen = try #require(try scene.createdumpSeen)
    #expect(Array(seen.arguments.prefix(3)) == ["createdump", "--name", "dumps/core.%d"])
  }

  @Test(arguments: Broken.allCases)
  func brokenCollectorWithoutWantedDumpsEndsQuietly(_ how: Broken) throws {
    let scene = try Scene()
    let error = try breakCollector(scene, how)
    let outcome = try scene.createdump(Self.crash)
    #expect(outcome.status == 0)
    #expect(outcome.output.isEmpty)
    let line = "inquest: cannot execute the collector \(scene.collector): error \(error)\n"
    #expect(outcome.errors == line)
    #expect(try scene.createdumpSeen == nil)
  }

  @Test func failureAfterVforkLeavesNoMemoryBehind() throws {
    let scene = try Scene()
    try FileManager.default.removeItem(atPath: scene.createdump)
    let broken = Self.enabled.merging(["INQUEST_COLLECTOR": "/nonexistent"]) { $1 }
    let outcome = try scene.createdump(Self.crash, how: "vfork", with: broken)
    #expect(outcome.status == 97)
    #expect(outcome.errors.hasSuffix("errno 2\npages left: 0\n"), "\(outcome)")
  }

  @Test func nothingToFallBackToIsAnErrorOfTheCall() throws {
    let scene = try Scene()
    _ = try breakCollector(scene, .missing)
    try FileManager.default.removeItem(atPath: scene.createdump)
    let outcome = try scene.createdump(Self.crash, with: Self.enabled)
    #expect(outcome.status == 97)
    #expect(outcome.errors.hasSuffix("exec returned -1, errno 2\n"))
  }

  @Test(arguments: ["prefix/libexec/inquest/inquest-collector", "prefix/lib/x/inquest-collector"])
  func collectorIsFoundFromTheShim(_ place: String) throws {
    let scene = try Scene()
    let shim = scene.scratch.path("prefix/lib/x/libinquest-preload.so")
    try scene.placeObserver("prefix/lib/x/anything")  // makes the folder
    try FileManager.default.copyItem(atPath: try Stage.shim, toPath: shim)
    try scene.placeObserver(place)
    for chosen in [nil, ""] as [String?] {
      let outcome = try scene.createdump(
        Self.crash, with: ["LD_PRELOAD": shim, "INQUEST_COLLECTOR": chosen])
      #expect(outcome.errors.isEmpty)
      let seen = scene.scratch.path(place) + ".seen"
      #expect(try Observation(at: seen)?.value("LD_PRELOAD") == nil)
      try FileManager.default.removeItem(atPath: seen)
    }
  }

  /// An upgrade replaces the file below a running service.
  @Test func collectorIsFoundAfterTheShimWasReplaced() throws {
    let scene = try Scene()
    let shim = scene.scratch.path("other-name.so")
    try FileManager.default.copyItem(atPath: try Stage.shim, toPath: shim)
    let outcome = try scene.start(
      "/usr/bin/python3",
      [
        "-c",
        """
        import os
        os.unlink('other-name.so')
        child = os.fork()
        if child == 0:
          pid = str(os.getppid())
          os.execv('./createdump', ['createdump', pid, '--signal', '6'])
        os.waitpid(child, 0)
        """,
      ], with: ["LD_PRELOAD": shim, "INQUEST_COLLECTOR": nil])
    #expect(outcome.status == 0, "\(outcome)")
    #expect(try scene.collectorSeen?.value("LD_PRELOAD") == nil)
    #expect(try scene.collectorSeen != nil)
  }
}
