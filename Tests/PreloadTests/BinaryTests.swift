// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// The shim must load into any process (field bugs, the hook, 3).
struct BinaryTests {
  private func readelf(_ options: String...) throws -> [String] {
    let outcome = try run(
      "/usr/bin/readelf", ["-W"] + options + [try Stage.shim], environment: ["LC_ALL": "C"])
    try #require(outcome.status == 0)
    return outcome.output.split(separator: "\n").map(String.init)
  }

  @Test func needsNoLibrary() throws {
    let dynamic = try readelf("-d")
    #expect(dynamic.contains { $0.contains("(SONAME)") })
    #expect(!dynamic.contains { $0.contains("(NEEDED)") })
    #expect(!dynamic.contains { $0.contains("(TEXTREL)") })
    #expect(dynamic.contains { $0.contains("BIND_NOW") })
    #expect(!dynamic.contains { $0.contains("(JMPREL)") })
  }

  @Test func importsAreWeakAndUnversioned() throws {
    let symbols = try readelf("--dyn-syms")
    let undefined = symbols.filter { $0.contains(" UND ") && !$0.hasSuffix(" UND ") }
    #expect(undefined.allSatisfy { $0.contains(" WEAK ") })
    let names = undefined.compactMap { $0.split(separator: " ").last }
    #expect(Set(names) == ["environ", "__errno_location", "dl_iterate_phdr"])
    #expect(!symbols.contains { $0.contains("@") })
    #expect(!(try readelf("-V")).contains { $0.contains("Version needs") })
  }

  static let hooks: Set<String> = [
    "mlockall",
    "execve", "execv", "sigaction", "__sigaction", "signal", "bsd_signal", "ssignal", "sysv_signal",
    "__sysv_signal", "sigset", "sigaltstack", "pthread_create", "thrd_create", "abort", "prctl",
  ]

  @Test func exportsTheHooksAlone() throws {
    let exported = try readelf("--dyn-syms").filter {
      $0.contains(" GLOBAL ") && !$0.contains(" UND ")
    }
    let names = exported.compactMap { $0.split(separator: " ").last }.map(String.init)
    #expect(Set(names) == Self.hooks)
  }

  @Test func stackIsNotExecutable() throws {
    let stack = try readelf("-l").first { $0.contains("GNU_STACK") }
    #expect(try #require(stack).contains(" RW "))
  }

  @Test func isSmall() throws {
    let attributes = try FileManager.default.attributesOfItem(atPath: try Stage.shim)
    #expect(try #require(attributes[.size] as? Int) < 64 * 1024)
  }
}
