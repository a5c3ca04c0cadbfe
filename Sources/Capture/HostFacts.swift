import Glibc
import Inferior
import Report

/// Reads what the machine is.
enum HostFacts {
  static func read() -> HostRecord {
    var names = utsname()
    uname(&names)
    func text<T>(_ field: T) -> String {
      withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
    return HostRecord(
      name: text(names.nodename), kernel: text(names.release), architecture: text(names.machine),
      os: operatingSystem(), cpus: sysconf(Int32(_SC_NPROCESSORS_ONLN)),
      memoryBytes: sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)))
  }

  /// PRETTY_NAME of os-release(5).
  private static func operatingSystem() -> String {
    guard let file = ProcessDirectory.read(path: "/etc/os-release", limit: 65536) else {
      return "Linux"
    }
    for line in String(decoding: file, as: UTF8.self).split(separator: "\n") {
      guard line.hasPrefix("PRETTY_NAME=") else { continue }
      return String(line.dropFirst("PRETTY_NAME=".count).filter { $0 != "\"" && $0 != "'" })
    }
    return "Linux"
  }
}
