/// Names of system calls.
///
/// A table of our own, 4 KB, and no libseccomp: numbers never change their meaning, and the image of a service that a
/// filter has killed is the last place to find that library in.
enum SystemCallNames {
  /// - Parameters:
  ///   - number: as the kernel counts them for that architecture.
  ///   - architecture: AUDIT_ARCH_* (linux/audit.h); of others than our own no name is known.
  static func name(_ number: Int, architecture: UInt32) -> String? {
    guard architecture == self.architecture, number >= 0 else { return nil }
    let names = list.utf8.split(separator: UInt8(ascii: " "))
    guard number < names.count else { return nil }
    let name = String(decoding: names[number], as: UTF8.self)
    return name == "-" ? nil : name
  }
}
