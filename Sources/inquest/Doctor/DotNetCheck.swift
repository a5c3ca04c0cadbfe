import Glibc

/// The .NET runtimes that can be found.
enum DotNetCheck {
  static var all: [Check] {
    var checks: [Check] = []
    for root in roots {
      let shared = root + "/shared/Microsoft.NETCore.App"
      for version in Directory.names(in: shared).sorted() {
        let directory = shared + "/" + version
        guard access(directory + "/libcoreclr.so", R_OK) == 0 else { continue }
        checks.append(
          .ok(".NET", "\(version) in \(root); this version does not name managed frames"))
      }
    }
    return checks.isEmpty
      ? [.ok(".NET", "no shared runtime found; applications may bring their own")] : checks
  }

  /// Where runtimes are installed, each once, whatever links lead there.
  private static var roots: [String] {
    var candidates = [Console.environment("DOTNET_ROOT") ?? ""]
    for directory in (Console.environment("PATH") ?? "").split(separator: ":") {
      // `dotnet` in PATH is mostly a link into the root.
      if let target = real(directory + "/dotnet"), let slash = target.lastIndex(of: "/") {
        candidates.append(String(target[..<slash]))
      }
    }
    candidates += ["/usr/share/dotnet", "/usr/lib/dotnet", "/usr/lib64/dotnet", "/opt/dotnet"]
    var found: [String] = []
    for candidate in candidates where !candidate.isEmpty {
      guard let path = real(candidate), !found.contains(path) else { continue }
      found.append(path)
    }
    return found
  }

  private static func real(_ path: String) -> String? {
    guard let text = realpath(path, nil) else { return nil }
    defer { free(text) }
    return String(cString: text)
  }
}

enum Directory {
  /// The names in a directory but `.` and `..`; none where it cannot be read.
  static func names(in path: String) -> [String] {
    guard let stream = opendir(path) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let start = UnsafeRawPointer(entry) + MemoryLayout<dirent>.offset(of: \.d_name)!
      let name = String(cString: start.assumingMemoryBound(to: CChar.self))
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }
}
