// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// The library is foreign code: it runs with the rights of the process that has chosen it, whoever asks.
/// A library of our own in its place tells what it was able to do.
@Suite(
  .enabled(if: Lab.isReady, "run `make fixtures` first"),
  .enabled(if: getuid() == 0, "needs root: there are no rights to give up"))
struct InspectorRightsTests {
  /// How a service is started that has fewer rights than its collector, or lives elsewhere.
  struct Service: Sendable, CustomStringConvertible {
    var name: String
    var launcher: [String]
    var user = 0
    /// Those namespaces that are not ours.
    var namespaces: Set<String> = []
    /// Where its runtime lies in its own view; nil where that is the same.
    var mount: String?
    /// The parent that the library sees is the service itself, init of its namespace: of the same user.
    var isParent = false
    var description: String { name }
  }

  private static let services = [
    Service(
      name: "nobody",
      launcher: ["/usr/bin/setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"],
      user: 65534),
    Service(
      name: "root with fewer capabilities",
      launcher: ["/usr/bin/setpriv", "--bounding-set=-all,+chown", "--inh-caps=-all"]),
    Service(
      name: "in a mount namespace",
      launcher: [
        "/usr/bin/unshare", "-m", "sh", "-c",
        "mount --bind \"$0\" /mnt && exec \"$@\"", "RUNTIME",
      ], namespaces: ["mnt"], mount: "/mnt"),
    Service(
      name: "in a root directory of its own",
      launcher: [
        "/usr/bin/unshare", "-m", "sh", "-c",
        "mount --rbind / /mnt && mount --bind \"$0\" /mnt/srv && exec /usr/sbin/chroot /mnt \"$@\"",
        "RUNTIME",
      ], namespaces: ["mnt"], mount: "/srv"),
    Service(
      name: "in a PID namespace", launcher: ["/usr/bin/unshare", "-pf", "--mount-proc"],
      namespaces: ["pid", "mnt"]),
    Service(
      name: "in a PID namespace with our /proc", launcher: ["/usr/bin/unshare", "-pf"],
      namespaces: ["pid"]),
    Service(
      name: "nobody in every namespace but the user's",
      launcher: [
        "/usr/bin/unshare", "-mpfuinC", "--mount-proc", "/usr/bin/setpriv", "--reuid", "65534",
        "--regid", "65534", "--clear-groups",
      ], user: 65534, namespaces: ["mnt", "pid", "uts", "ipc", "net", "cgroup"], isParent: true),
  ]

  /// The launcher, with the service's runtime put in; and how it calls the program.
  private func prepare(_ service: Service, _ broken: BrokenRuntime) -> ([String], String) {
    let launcher = service.launcher.map { $0 == "RUNTIME" ? broken.root : $0 }
    return (launcher, service.mount.map { $0 + "/dotnet" } ?? broken.dotnet)
  }

  @Test(arguments: services, Runtime.allCases)
  func theRealLibraryWorks(_ service: Service, _ runtime: Runtime) async throws {
    let broken = try await BrokenRuntime(runtime)
    try BrokenRuntime.bytes(of: runtime).write(to: URL(fileURLWithPath: broken.library))
    let (launcher, dotnet) = prepare(service, broken)
    let look = try await Inspected.of(.live, on: runtime, dotnet: dotnet, launcher: launcher)
    try await look.expectIntact()
    #expect(look.inspection == "ok")
    #expect(look.limitations.isEmpty, "\(look.problems)")
    #expect(look.managedFrames.contains { $0["function"].text?.hasPrefix("Waits.") == true })
  }

  @Test(arguments: services, Runtime.allCases)
  func aForeignOneHasTheServicesRights(_ service: Service, _ runtime: Runtime) async throws {
    let told = try Told()
    let broken = try await BrokenRuntime(runtime, acting: "tell", told.flags)
    let (launcher, dotnet) = prepare(service, broken)
    let look = try await Inspected.of(.live, on: runtime, dotnet: dotnet, launcher: launcher)
    try await look.expectIntact()
    look.expectNoNames("unavailable", "no data access library")
    try told.read()

    let user = "\(service.user)\t\(service.user)\t\(service.user)\t\(service.user)"
    #expect(told.status("Uid") == user)
    #expect(told.status("Gid") == user)
    #expect(told.status("Groups").trimmingCharacters(in: .whitespaces) == "")
    for kind in ["CapEff", "CapPrm", "CapInh", "CapAmb"] {
      #expect(UInt64(told.status(kind), radix: 16) == 0, "\(kind)")
    }
    for kind in ["mnt", "pid", "net", "user", "ipc", "uts", "cgroup"] {
      let ours = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/\(kind)")
      #expect((told["namespace " + kind] != ours) == service.namespaces.contains(kind), "\(kind)")
    }
    #expect(told["directory"] == "/")
    // Not the environment of whoever has called us, in which there is a secret.
    #expect(told["environment"] == "0 0")
    // What root has written for itself; which a service that is root may read.
    #expect(told["can read the secret"]?.hasPrefix("no") == (service.user != 0))
    told.expectConfined(reachesParent: service.isParent)
  }

  /// In a crash the collector is the service's own: it has nothing to give up, and is confined all the same.
  @Test(arguments: Runtime.allCases)
  func withTheSameRightsItIsConfinedToo(_ runtime: Runtime) async throws {
    let told = try Told()
    let broken = try await BrokenRuntime(runtime, acting: "tell", told.flags)
    let look = try await Inspected.of(.crash, on: runtime, dotnet: broken.dotnet)
    try await look.expectIntact()
    try told.read()
    let own = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let ours = own.split(separator: "\n").first { $0.hasPrefix("CapEff:") }
    #expect(ours?.hasSuffix(told.status("CapEff")) == true)
    #expect(told["can read the secret"]?.hasPrefix("yes") == true)
    // What every process of that user can do.
    told.expectConfined(reachesParent: true)
  }

  /// What could only be had with the rights of another user namespace is not had.
  @Test(arguments: ["-U", "-Ur"], Runtime.allCases)
  func anotherUserNamespaceIsRefused(_ option: String, _ runtime: Runtime) async throws {
    let told = try Told()
    let broken = try await BrokenRuntime(runtime, acting: "tell", told.flags)
    let look = try await Inspected.of(
      .live, on: runtime, dotnet: broken.dotnet, launcher: ["/usr/bin/unshare", option])
    try await look.expectIntact()
    look.expectNoNames("unavailable", "lives in another user namespace")
    #expect(look.limitations.first?["remedy"].text?.contains("inside its container") == true)
    #expect(!FileManager.default.fileExists(atPath: told.path), "it was loaded")
  }

  /// A process that has made itself undumpable belongs to root in /proc.
  @Test(arguments: Runtime.allCases)
  func ofAnUndumpableService(_ runtime: Runtime) async throws {
    let lab = try Lab.shared.get()
    let folder = try lab.scratch()
    try Lab.write(
      """
      #include <sys/prctl.h>
      __attribute__((constructor)) static void hide(void) { prctl(PR_SET_DUMPABLE, 0); }

      """, to: folder + "/hide.c")
    _ = try await Program.output(
      ["cc", "-shared", "-fPIC", "-o", folder + "/hide.so", folder + "/hide.c"])
    let launcher = [
      "/usr/bin/setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "env",
      "LD_PRELOAD=" + folder + "/hide.so",
    ]
    let broken = try await BrokenRuntime(runtime)
    try BrokenRuntime.bytes(of: runtime).write(to: URL(fileURLWithPath: broken.library))
    let look = try await Inspected.of(
      .live, on: runtime, dotnet: broken.dotnet, launcher: launcher)
    try await look.expectIntact()
    #expect(look.inspection == "ok" && look.limitations.isEmpty, "\(look.problems)")
  }
}

/// What the library has told of itself.
private final class Told {
  let path: String
  let secret: String
  private var lines: [String: String] = [:]
  private var descriptors: [String] = []

  init() throws {
    let folder = try Lab.shared.get().scratch()
    chmod(folder, 0o777)
    path = folder + "/told"
    secret = folder + "/secret"
    try Lab.write("only for root", to: secret, mode: 0o600)
  }

  var flags: [String] { ["-DTELL=\"\(path)\"", "-DSECRET=\"\(secret)\""] }

  func read() throws {
    let text = try String(contentsOfFile: path, encoding: .utf8)
    for line in text.split(separator: "\n") {
      guard let colon = line.firstIndex(of: ":") else { continue }
      let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
      lines[String(line[..<colon])] = value
      if line.hasPrefix("descriptor ") { descriptors.append(value) }
    }
    #expect(lines.count > 60, "it ended in the middle:\n\(text)")
  }

  subscript(_ key: String) -> String? { lines[key] }
  func status(_ key: String) -> String { lines["status " + key] ?? "?" }

  /// What holds whatever its rights are.
  ///
  /// - Parameter reachesParent: the parent's memory is open to it, through /proc.
  func expectConfined(reachesParent: Bool) {
    #expect(descriptors.count == 6, "\(descriptors)")
    #expect(descriptors.prefix(3) == ["rw /dev/null", "rw /dev/null", "rw /dev/null"])
    guard descriptors.count == 6 else { return }
    #expect(descriptors[3].hasPrefix("rw socket:"))
    #expect(descriptors[4].hasPrefix("r /") && descriptors[4].hasSuffix("/libmscordaccore.so"))
    #expect(descriptors[5].hasPrefix("r /proc/") && descriptors[5].hasSuffix("/mem"))
    #expect(status("NoNewPrivs") == "1")
    #expect(status("Seccomp") == "2")
    #expect(lines["core"] == "0 dumpable: 0")
    #expect(lines["session of its own"] == "yes")
    let attempts = lines.filter { $0.key.hasPrefix("can ") && $0.key != "can read the secret" }
    #expect(attempts.count > 20)
    for (what, result) in attempts {
      let isAllowed = reachesParent && what == "can write its parent's memory"
      #expect(result.hasPrefix(isAllowed ? "yes" : "no"), "it \(what): \(result)")
    }
  }
}
