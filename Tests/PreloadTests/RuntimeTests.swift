// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// Real runtimes, really crashing.
@Suite(.serialized)
struct RuntimeTests {
  static let unhandled = """
    class Crash {
      static void Main() {
        System.Console.WriteLine("about to crash");
        throw new System.InvalidOperationException("the cause");
      }
    }
    """
  static let waiting = """
    class Wait {
      static void Main() {
        System.Console.Write(1);
        System.Threading.Thread.Sleep(60000);
      }
    }
    """
  static let user: [String: String?] = [
    "COMPlus_DbgEnableMiniDump": "1", "COMPlus_DbgMiniDumpName": "dump.%d",
    "COMPlus_DbgMiniDumpType": "3",
  ]

  private func crash(
    _ runtime: Runtime, _ scene: Scene, _ source: String = Self.unhandled,
    with changes: [String: String?] = [:]
  ) throws -> Outcome {
    let program = try runtime.compile(source, in: scene.scratch.folder)
    return try scene.start(runtime.dotnet, [program], with: changes)
  }

  private func expected(_ runtime: Runtime, pid: String, dumps: String, options: [String])
    -> [String]
  {
    [
      "inquest-collector", "crash", "--pid", pid, "--dumps", dumps, "--createdump",
      runtime.createdump, "--", runtime.createdump,
    ] + options + [pid] + (runtime == .dotnet8 ? ["--signal", "6", "--crashthread", pid] : [])
  }

  @Test(arguments: Runtime.allCases)
  func unhandledExceptionStartsTheCollector(_ runtime: Runtime) throws {
    let scene = try Scene()
    let with = try crash(runtime, scene)
    let without = try crash(runtime, scene, with: ["LD_PRELOAD": nil])
    #expect(with == without)
    #expect(with.signalled && with.status == SIGABRT)
    let seen = try #require(try scene.collectorSeen)
    let pid = seen.arguments[3]
    #expect(seen.arguments == expected(runtime, pid: pid, dumps: "none", options: []))
    #expect(!seen.environment.contains { $0.contains("MiniDump") })
  }

  /// These two start createdump from an alternate signal stack (3.1: both; 8.0: the fault).
  static let faults = [
    (
      """
      using System; using System.Runtime.InteropServices;
      class Crash {
        [DllImport("libc.so.6")] static extern IntPtr memset(IntPtr to, int value, IntPtr size);
        static void Main() { memset((IntPtr)16, 0, (IntPtr)64); }
      }
      """, SIGSEGV, ["--signal", "11"]
    ),
    (
      """
      class Crash {
        static int Down(int i) { return i == -1 ? 0 : 1 + Down(i + 1) + Down(i + 2); }
        static void Main() { System.Console.WriteLine(Down(0)); }
      }
      """, SIGABRT, ["--signal", "6"]
    ),
  ]

  @Test(arguments: Runtime.allCases, faults)
  func faultStartsTheCollector(
    _ runtime: Runtime, _ fault: (source: String, status: Int32, facts: [String])
  ) throws {
    let scene = try Scene()
    let with = try crash(runtime, scene, fault.source)
    #expect(with.signalled && with.status == fault.status, "\(with)")
    let arguments = try #require(try scene.collectorSeen?.arguments)
    let facts = runtime == .dotnet8 ? fault.facts : []
    #expect(
      Array(arguments[8..<(11 + facts.count)])
        == ["--", runtime.createdump, arguments[3]] + facts)
    let without = try crash(runtime, scene, fault.source, with: ["LD_PRELOAD": nil])
    #expect(with.status == without.status && with.output == without.output)
  }

  /// Field bugs, the hook, 1: a tool asks the live runtime for a dump over its socket.
  @Test(arguments: Runtime.allCases, [[:], user])
  func requestOverTheSocketIsNoCrash(_ runtime: Runtime, _ user: [String: String?]) throws {
    let scene = try Scene()
    let program = try runtime.compile(Self.waiting, in: scene.scratch.folder)
    let script = """
      import glob, os, socket, struct, subprocess, sys
      service = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
      service.stdout.read(1)
      client = socket.socket(socket.AF_UNIX)
      client.connect(glob.glob('dotnet-diagnostic-%d-*-socket' % service.pid)[0])
      name = os.path.abspath('requested')
      text = (name + '\\0').encode('utf-16-le')
      payload = struct.pack('<I', len(name) + 1) + text + struct.pack('<II', 3, 0)
      header = struct.pack('<14sHBBH', b'DOTNET_IPC_V1\\0', 20 + len(payload), 1, 1, 0)
      client.sendall(header + payload)
      print(client.recv(100).hex())
      service.kill()
      """
    let outcome = try scene.start(
      "/usr/bin/python3", ["-c", script, runtime.dotnet, program],
      with: user.merging(["TMPDIR": scene.scratch.folder]) { $1 })
    #expect(outcome.status == 0, "\(outcome)")
    #expect(outcome.output.hasSuffix("ff00000000000000\n"), "\(outcome)")
    #expect(try scene.collectorSeen == nil)
    #expect(FileManager.default.fileExists(atPath: scene.scratch.path("requested")))
  }

  @Test(arguments: Runtime.allCases)
  func wantedDumpsAreNoted(_ runtime: Runtime) throws {
    let scene = try Scene()
    _ = try crash(runtime, scene, with: Self.user)
    let seen = try #require(try scene.collectorSeen)
    let options = ["--name", "dump.%d", "--triage"]
    #expect(
      seen.arguments
        == expected(runtime, pid: seen.arguments[3], dumps: "user", options: options))
    for (name, value) in Self.user { #expect(seen.value(name) == value) }
  }

  @Test(arguments: Runtime.allCases)
  func generationsAreToldApart(_ runtime: Runtime) throws {
    let scene = try Scene()
    _ = try crash(
      runtime, scene,
      with: ["DOTNET_DbgEnableMiniDump": "0", "COMPlus_DbgEnableMiniDump": "1"])
    #expect(try scene.collectorSeen?.arguments[5] == (runtime == .dotnet8 ? "none" : "user"))
  }

  @Test(arguments: Runtime.allCases)
  func belowAShellThatHasTheShim(_ runtime: Runtime) throws {
    let scene = try Scene()
    let program = try runtime.compile(Self.unhandled, in: scene.scratch.folder)
    let script = "'\(runtime.dotnet)' '\(program)'; exit 5"
    let outcome = try scene.start("/bin/bash", ["-c", script])
    #expect(outcome.status == 5)
    #expect(try scene.collectorSeen?.arguments[5] == "none")
    _ = try scene.start("/bin/bash", ["-c", script], with: Self.user)
    #expect(try scene.collectorSeen?.arguments[5] == "user")
  }

  /// The same file, and the same lines on both streams, as without us.
  @Test(arguments: Runtime.allCases)
  func missingCollectorFallsBackToTheRealCreatedump(_ runtime: Runtime) throws {
    let scene = try Scene()
    try FileManager.default.removeItem(atPath: scene.collector)
    let outcome = try crash(runtime, scene, with: Self.user)
    #expect(outcome.signalled && outcome.status == SIGABRT)
    #expect(outcome.errors.contains("inquest: cannot execute the collector \(scene.collector)"))
    let files = try FileManager.default.contentsOfDirectory(atPath: scene.scratch.folder)
    #expect(files.contains { $0.hasPrefix("dump.") && Int($0.dropFirst(5)) != nil })
    #expect((outcome.output + outcome.errors).contains("file dump."))
  }

  @Test(arguments: Runtime.allCases)
  func missingCollectorWithoutWantedDumpsLeavesNothing(_ runtime: Runtime) throws {
    let scene = try Scene()
    try FileManager.default.removeItem(atPath: scene.collector)
    let with = try crash(runtime, scene)
    let without = try crash(runtime, scene, with: ["LD_PRELOAD": nil])
    #expect(with.status == without.status && with.output == without.output)
    let line = "inquest: cannot execute the collector \(scene.collector): error 2\n"
    #expect(with.errors.contains(line))
    #expect(with.errors.replacingOccurrences(of: line, with: "") == without.errors)
  }

  /// As a runtime does that never passes our hook: the planted names, read by the real createdump.
  @Test(arguments: Runtime.allCases)
  func plantedNamesWorkWithTheRealCreatedump(_ runtime: Runtime) throws {
    for (changes, written) in [
      (["COMPlus_DbgEnableMiniDump": "1"], true), ([:], false),
    ] as [([String: String?], Bool)] {
      let scene = try Scene()
      let folder = scene.scratch.path("temporary")
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: false)
      let environment = changes.merging(["TMPDIR": folder]) { $1 }
      let name = try #require(try scene.plantedName("COMPlus", with: environment))
      let sleeper = Process()
      sleeper.executableURL = URL(fileURLWithPath: runtime.dotnet)
      sleeper.arguments = [try runtime.compile(Self.waiting, in: scene.scratch.folder)]
      let started = Pipe()
      sleeper.standardOutput = started
      try withNoSignalBlocked { try sleeper.run() }
      defer {
        kill(sleeper.processIdentifier, SIGKILL)
        sleeper.waitUntilExit()
      }
      _ = started.fileHandleForReading.availableData
      let pid = "\(sleeper.processIdentifier)"
      _ = try run(
        runtime.createdump, ["--name", name, "--triage", pid], environment: [:],
        in: scene.scratch.folder)
      let files = try FileManager.default.contentsOfDirectory(atPath: folder)
      #expect(files.contains("coredump." + pid) == written)
    }
  }
}
