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
        checks.append(check(directory, "\(version) in \(root)"))
      }
    }
    return checks.isEmpty
      ? [.ok(".NET", "no shared runtime found; applications may bring their own")] : checks
  }

  /// The debugging library must be beside the runtime, and of its build: it names managed frames.
  private static func check(_ directory: String, _ place: String) -> Check {
    let library = directory + "/libmscordaccore.so"
    guard access(library, F_OK) == 0 else {
      return .warning(
        ".NET", "\(place) has no libmscordaccore.so: no names of managed frames, no exceptions",
        remedy: "install the runtime again; that file comes with it")
    }
    guard let found = version(of: library) else {
      return .warning(
        ".NET", "\(library) cannot be read, or is none: no names of managed frames, no exceptions",
        remedy: "make it readable for those who run services, or install the runtime again")
    }
    guard found == version(of: directory + "/libcoreclr.so") else {
      return .warning(
        ".NET", "\(place): libmscordaccore.so is of another build, \(found)",
        remedy: "install the runtime again, all of it from one package")
    }
    return .ok(".NET", "\(place), with its debugging library")
  }

  /// The string by which the runtime's libraries know that they are of one build; nil where there is none.
  private static func version(of path: String) -> String? {
    let (largest, longest) = (64 << 20, 200)
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size > 0,
      Int(status.st_size) <= largest
    else { return nil }
    let size = Int(status.st_size)
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
      filled = max(0, pread(file, buffer.baseAddress, size, 0))
    }
    let marker = Array("@(#)Version ".utf8)
    return bytes.withUnsafeBytes { bytes in
      var start = 0
      while let at = bytes[start...].firstIndex(of: marker[0]) {
        start = at + 1
        guard bytes[at...].starts(with: marker) else { continue }
        let rest = bytes[(at + marker.count)...].prefix(longest)
        return rest.firstIndex(of: 0).map { String(decoding: rest[..<$0], as: UTF8.self) }
      }
      return nil
    }
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
