import Foundation
import TestSupport
import Testing

struct SourceFile {
  var path: String
  var text: String
  /// `Sources/Capture/Worker.swift` belongs to `Capture`.
  var module: String { String(path.split(separator: "/")[1]) }

  var imports: [String] {
    text.split(separator: "\n").compactMap { line in
      line.firstMatch(
        of:
          /^\s*(?:@\w+(?:\(\w+\))? )*(?:public |internal |package |private )?import (?:struct |func |class |enum |var )?(\w+)/
      )
      .map { String($0.1) }
    }
  }
}

enum SourceTree {
  /// Every file of ours below a folder of the repository, with these endings.
  static func files(_ folder: String, _ endings: [String]) throws -> [SourceFile] {
    let root = Places.repository + "/" + folder
    let paths = try FileManager.default.subpathsOfDirectory(atPath: root).sorted()
    return try paths.filter { path in endings.contains { path.hasSuffix($0) } }.map {
      SourceFile(
        path: folder + "/" + $0, text: try String(contentsOfFile: root + "/" + $0, encoding: .utf8))
    }
  }

  static func swiftFiles(_ folder: String) throws -> [SourceFile] {
    let files = try files(folder, [".swift"])
    #expect(files.count > 20)
    return files
  }
}

@Suite struct SourceTests {
  /// docs/diagnoses.md has every rule, and no other.
  @Test func everyRuleIsExplained() throws {
    let sources = try SourceTree.files("Sources/Diagnosis/Rules", [".swift"]).map(\.text)
    let text = sources.joined(separator: "\n")
    var rules: Set<String> = []
    for match in text.matches(of: /rule: (?:\w+ \? "(\w+)" : )?"(\w+)"/) {
      rules.formUnion([match.1, match.2].compactMap { $0.map(String.init) })
    }
    // Tables of rules: a name, then the words or functions by which it is known.
    for match in text.matches(of: /\(\s*"([a-z_]+)",\s*\[/) { rules.insert(String(match.1)) }
    let table = try String(
      contentsOfFile: Places.repository + "/docs/diagnoses.md", encoding: .utf8)
    var explained: Set<String> = []
    for row in table.split(separator: "\n") where row.hasPrefix("| `") {
      let names = row.split(separator: "|")[0]
      explained.formUnion(names.matches(of: /`(\w+)`/).map { String($0.1) })
    }
    #expect(rules == explained)
    #expect(rules.count > 30)
  }

  /// A file is about one thing. Tables and fixtures are data.
  @Test func filesAreShort() throws {
    let files =
      try SourceTree.files("Sources", [".swift", ".c", ".h"])
      + SourceTree.files("Tests", [".swift"]) + SourceTree.files("preload", [".c", ".h"])
    for file in files {
      let lines = file.text.split(separator: "\n", omittingEmptySubsequences: false).count
      #expect(lines <= 400, "\(file.path) has \(lines) lines")
    }
  }

  /// One thread, no event loop, nothing shared: what is left of a collector cannot race with itself.
  @Test func noConcurrencyInTheCrashPath() throws {
    for file in try SourceTree.swiftFiles("Sources") where file.module != "inquest" {
      for word in [
        " async ", "await ", "Task {", "Task.", "actor ", "DispatchQueue", "pthread_create",
      ] {
        let uses = file.text.split(separator: "\n").contains { line in
          !line.drop { $0 == " " }.hasPrefix("//") && line.contains(word)
        }
        #expect(!uses, "\(file.path) uses \(word)")
      }
    }
  }

  /// The other architecture is not run here: at least no part of it may be forgotten.
  @Test func bothArchitecturesHaveTheSameParts() throws {
    for module in ["Memory", "Unwinding"] {
      func parts(_ folder: String) throws -> Set<String> {
        Set(
          try FileManager.default.contentsOfDirectory(
            atPath: Places.repository + "/Sources/\(module)/\(folder)"
          ).map { String($0.split(separator: "+")[0]) })
      }
      #expect(try parts("X86_64") == parts("AArch64"), "\(module)")
    }
  }
}

/// The installed executables, as the dynamic linker sees them.
@Suite struct BinaryTests {
  private func needed(_ path: String) throws -> [String] {
    try output(of: ["readelf", "-dW", path]).matches(of: /\(NEEDED\).*\[(.+)\]/).map {
      String($0.1)
    }
  }

  @Test func theCollectorNeedsFewLibrariesAndNoNetwork() throws {
    let libraries = try needed(Places.collector)
    #expect(libraries.contains { $0.hasPrefix("libc.so") })
    let system = [
      "libc.so", "libm.so", "libgcc_s.so", "libstdc++.so", "libdl.so", "libpthread.so",
      "ld-linux", "libdw.so", "libelf.so", "liblzma.so", "libunwind-", "libz.so", "libbz2.so",
    ]
    for library in libraries {
      #expect(system.contains { library.hasPrefix($0) }, "the collector needs \(library)")
    }
    // What those need in turn, as it is on this machine.
    let all = try output(of: ["ldd", Places.collector])
    for word in ["curl", "ssl", "krb5", "debuginfod", "Foundation", "swift", "libicu"] {
      #expect(!all.contains(word), "\(word) in \(all)")
    }
  }

  /// `-lunwind`, the local half, would take the place of the C++ runtime's unwinder.
  @Test func theCollectorInterposesNobodysUnwinder() throws {
    let libraries = try needed(Places.collector)
    #expect(!libraries.contains { $0.hasPrefix("libunwind.so") })
  }

  /// libunwind's own reading of files unmaps other people's memory (#739), guesses wrong on .NET and hangs
  /// on names: none of it may come back.
  @Test func libunwindReadsNoFiles() throws {
    #expect(try !needed(Places.collector).contains("libunwind-ptrace.so.0"))
    let symbols = try output(of: ["readelf", "--dyn-syms", "-W", Places.collector])
    #expect(symbols.contains("_dwarf_search_unwind_table"))
    for name in ["_UPT_", "get_proc_name", "get_elf_image"] {
      #expect(!symbols.contains(name), "\(name)")
    }
  }

  @Test(arguments: ["inquest", "collector"]) func nothingNamesTheBuildFolder(_ which: String) throws
  {
    let path = try which == "inquest" ? Places.inquest : Places.collector
    let dynamic = try output(of: ["readelf", "-dW", path])
    for word in ["RPATH", "RUNPATH"] {
      for line in dynamic.split(separator: "\n") where line.contains("(\(word))") {
        #expect(!line.contains("/.build") && !line.contains("/opt/swift"), "\(path): \(line)")
      }
    }
  }

  @Test func theCollectorIsNoLibraryToTheWorld() throws {
    let headers = try output(of: ["readelf", "-lW", Places.collector])
    let stack = try #require(headers.split(separator: "\n").first { $0.contains("GNU_STACK") })
    #expect(stack.contains(" RW "), "an executable stack")
  }
}
