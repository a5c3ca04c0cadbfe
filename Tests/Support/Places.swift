import Foundation

/// Where what is tested lies: told by the Makefile, else the usual places below this repository.
public enum Places {
  public static let repository: String = {
    var path = URL(fileURLWithPath: #filePath)
    for _ in 0..<3 { path.deleteLastPathComponent() }
    return path.path
  }()

  /// The installed tree.
  public static var stage: String {
    ProcessInfo.processInfo.environment["INQUEST_TEST_STAGE"] ?? repository + "/.build/stage"
  }

  private static var fixtures: String {
    ProcessInfo.processInfo.environment["INQUEST_TEST_FIXTURES"] ?? repository + "/.build/fixtures"
  }

  /// The .NET runtimes, a folder each.
  public static var runtimes: String {
    ProcessInfo.processInfo.environment["INQUEST_TEST_RUNTIMES"] ?? repository + "/.cache/dotnet"
  }

  /// One of the programs of Tests/Fixtures/dotnet, for this version of the runtime.
  public static func managed(_ name: String, _ version: String) throws -> String {
    let path = "\(fixtures)/dotnet/\(version)/\(name).dll"
    guard access(path, R_OK) == 0 else {
      throw TestFailure("\(path) is missing: run \"make fixtures\", or set INQUEST_TEST_FIXTURES")
    }
    return path
  }

  public static var inquest: String {
    get throws { try part("bin/inquest") }
  }

  public static var collector: String {
    get throws { try part("libexec/inquest/inquest-collector") }
  }

  private static func part(_ name: String) throws -> String {
    let path = stage + "/" + name
    guard access(path, X_OK) == 0 else {
      throw TestFailure("\(path) is missing: run \"make stage\", or set INQUEST_TEST_STAGE")
    }
    return path
  }

  /// The program of Tests/Fixtures/accuracy, as built in this way.
  public static func accuracy(_ variant: String) throws -> String {
    let path = "\(fixtures)/accuracy/\(variant)/hard"
    guard access(path, X_OK) == 0 else {
      throw TestFailure("\(path) is missing: run \"make fixtures\", or set INQUEST_TEST_FIXTURES")
    }
    return path
  }

  /// What tools/build-fixtures has made of a folder of examples/.
  public static func example(_ example: String, _ program: String) throws -> String {
    let path = "\(fixtures)/examples/\(example)/\(program)"
    guard access(path, R_OK) == 0 else {
      throw TestFailure("\(path) is missing: run \"make fixtures\", or set INQUEST_TEST_FIXTURES")
    }
    return path
  }

  /// The folder of the programs of Tests/Contract.
  public static var contract: String { fixtures + "/contract" }

  public static var shim: String {
    get throws { try part("lib/inquest/libinquest-preload.so") }
  }

  /// One of the programs of Tests/Fixtures/native.
  public static func native(_ name: String) throws -> String {
    let path = fixtures + "/native/" + name
    guard access(path, X_OK) == 0 else {
      throw TestFailure("\(path) is missing: run \"make fixtures\", or set INQUEST_TEST_FIXTURES")
    }
    return path
  }
}

/// A directory for one test, gone with its owner.
public final class Scratch {
  public let path: String

  public init() throws {
    var template = Array("/tmp/inquest-test-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { throw TestFailure("no directory: errno \(errno)") }
    path = String(cString: made)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  public func file(_ name: String) -> String { path + "/" + name }

  public func contents(_ directory: String = "") throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path + "/" + directory).sorted()
  }
}

/// Permission bits of a file, or nil without one.
public func mode(of path: String) -> UInt32? {
  var status = stat()
  return lstat(path, &status) == 0 ? status.st_mode & 0o7777 : nil
}

/// All bytes of a file whose size is unknown beforehand, such as those in /proc.
public func bytes(of path: String) throws -> [UInt8] {
  let file = open(path, O_RDONLY | O_CLOEXEC)
  guard file >= 0 else { throw TestFailure("cannot open \(path): errno \(errno)") }
  defer { close(file) }
  var result: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let count = read(file, &buffer, buffer.count)
    if count <= 0 { return result }
    result += buffer[..<count]
  }
}
