import CLinux
import Glibc
import Inferior
import Memory
import Report

/// Reads what /proc tells about the process itself.
enum ProcessFacts {
  /// Longest command line that is read, in bytes.
  private static let argumentLimit = 128 << 10
  /// Variables that are worth reading at three in the morning and hold no secrets.
  private static let harmless: Set<String> = [
    "LANG", "LC_ALL", "TZ", "HOSTNAME", "DOTNET_ROOT", "DOTNET_ENVIRONMENT",
    "ASPNETCORE_ENVIRONMENT", "ASPNETCORE_URLS", "DOTNET_gcServer", "COMPlus_gcServer",
    "DOTNET_GCHeapHardLimit", "DOTNET_TieredCompilation", "DOTNET_TieredPGO",
    "DOTNET_ReadyToRun", "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "DOTNET_RUNNING_IN_CONTAINER",
    "KUBERNETES_SERVICE_HOST", "INVOCATION_ID",
  ]

  static func read(_ directory: borrowing ProcessDirectory) -> (ProcessRecord, redacted: [String]) {
    var record = ProcessRecord(pid: Int(directory.pid))
    var redacted: [String] = []
    if let status = directory.status() {
      record.parentPID = Int(status.parentPID)
      record.name = name(directory) ?? status.name
      record.userID = Int(status.userID)
      record.groupID = Int(status.groupID)
      if let innermost = status.namespacePIDs.last, status.namespacePIDs.count > 1 {
        record.namespacePID = Int(innermost)
      }
      if let innermost = status.namespacePIDs.last { record.isNamespaceInit = innermost == 1 }
    }
    // A main thread that has exited has none of these; any other thread tells for all.
    let task = "task/\(directory.livingThread())/"
    record.executable = directory.link(task + "exe").map(withoutDeleted)
    record.workingDirectory = directory.link(task + "cwd").map(withoutDeleted)
    if let line = directory.contents(of: task + "cmdline", limit: argumentLimit), !line.isEmpty {
      let (arguments, hidden) = SecretFilter.redact(strings(line))
      record.arguments = arguments
      redacted = hidden.map { "/process/arguments/\($0)" }
    }
    readStart(directory, into: &record)
    readControlGroup(directory, into: &record)
    ProcessResources.read(directory, into: &record)
    if let block = directory.contents(of: task + "environ", limit: 1 << 20) {
      var kept: [String: String] = [:]
      for entry in strings(block) {
        guard let equals = entry.firstIndex(of: "=") else { continue }
        let name = String(entry[..<equals])
        if harmless.contains(name) { kept[name] = String(entry[entry.index(after: equals)...]) }
      }
      if !kept.isEmpty { record.environment = kept }
    }
    return (record, redacted)
  }

  /// A process's name; nil once it is gone.
  static func name(_ directory: borrowing ProcessDirectory) -> String? {
    // status escapes the name; comm has it as it is, with a line feed at the end.
    directory.contents(of: "comm", limit: 64).map {
      String(decoding: $0.last == 0x0a ? $0.dropLast() : $0[...], as: UTF8.self)
    }
  }

  /// The zero-terminated strings of a block; the last one may lack its zero.
  static func strings(_ block: [UInt8]) -> [String] {
    var parts = block.split(separator: 0, omittingEmptySubsequences: false)
    if parts.last?.isEmpty == true { parts.removeLast() }
    return parts.map { String(decoding: $0, as: UTF8.self) }
  }

  private static func withoutDeleted(_ path: String) -> String {
    path.hasSuffix(" (deleted)") ? String(path.dropLast(10)) : path
  }

  /// Field 22 of /proc/PID/stat: clock ticks from the machine's start to the process's.
  private static func readStart(
    _ directory: borrowing ProcessDirectory, into record: inout ProcessRecord
  ) {
    guard let stat = directory.contents(of: "stat", limit: 4096),
      let close = stat.lastIndex(of: UInt8(ascii: ")"))
    else { return }
    let fields = stat[(close + 1)...].split(separator: UInt8(ascii: " "))
    guard fields.count > 19, let ticks = Double(String(decoding: fields[19], as: UTF8.self)) else {
      return
    }
    let started = ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
    var boot = timespec()
    guard clock_gettime(CLOCK_BOOTTIME, &boot) == 0 else { return }
    let uptime = max(0, Double(boot.tv_sec) + Double(boot.tv_nsec) / 1e9 - started)
    record.uptimeSeconds = uptime
    record.startedAt = Timestamp.text(secondsSince1970: Timestamp.now() - uptime)
  }

  /// A container's id is the last run of 64 hex digits in the control group's path; a service's unit is
  /// its last component that ends in .service.
  private static func readControlGroup(
    _ directory: borrowing ProcessDirectory, into record: inout ProcessRecord
  ) {
    guard let text = directory.contents(of: "cgroup", limit: 65536) else { return }
    let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
    let paths = lines.compactMap { line in
      line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).last.map(
        String.init)
    }
    for path in paths {
      for component in path.split(separator: "/").reversed() {
        if component.hasSuffix(".service"), record.service == nil {
          record.service = ProcessRecord.Service(unit: String(component))
        }
        let digits = component.split { !$0.isHexDigit }.last { $0.utf8.count == 64 }
        if let digits, record.container == nil {
          record.container = ProcessRecord.Container(id: String(digits), cgroup: path)
        }
      }
    }
  }
}

/// Keeps secrets on command lines out of reports (field bug 32).
enum SecretFilter {
  static let replacement = "[redacted]"
  private static let words = [
    "password", "passwd", "pwd", "secret", "token", "apikey", "api-key", "api_key", "credential",
    "connectionstring", "connection-string", "connection_string", "accesskey", "access-key",
    "access_key", "private-key", "private_key",
  ]

  /// Replaces the value of `--password=x`, `password=x` and `--password x`, and the password of a URL.
  ///
  /// - Returns: the arguments, and the positions of those that were changed.
  static func redact(_ arguments: [String]) -> ([String], changed: [Int]) {
    var result = arguments
    var changed: [Int] = []
    var hidesNext = false
    for (index, argument) in arguments.enumerated() {
      if hidesNext, !argument.hasPrefix("-") {
        result[index] = replacement
      } else if let equals = argument.firstIndex(of: "="), isSecret(argument[..<equals]) {
        result[index] = argument[...equals] + replacement
      } else if let hidden = withoutURLPassword(argument) {
        result[index] = hidden
      }
      hidesNext = argument.hasPrefix("-") && !argument.contains("=") && isSecret(argument[...])
      if result[index] != argument { changed.append(index) }
    }
    return (result, changed)
  }

  private static func isSecret(_ name: Substring) -> Bool {
    let name = name.lowercased().utf8
    return words.contains { name.contains(part: $0.utf8) }
  }

  /// scheme://user:password@host
  private static func withoutURLPassword(_ text: String) -> String? {
    guard let scheme = text.utf8.firstIndex(ofPart: "://".utf8) else { return nil }
    // Up to a slash only, and to the last @: a password may have ?, # and @ unescaped.
    let authority = text[scheme...].dropFirst(3).prefix { $0 != "/" }
    guard let at = authority.lastIndex(of: "@"),
      let colon = authority[..<at].firstIndex(of: ":")
    else { return nil }
    return "\(text[...colon])\(replacement)\(text[at...])"
  }
}
