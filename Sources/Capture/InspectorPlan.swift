import CLinux
import DotNet
import Glibc
import Inferior
import Memory

/// What an inspector needs to know, all of it found out by the worker.
struct InspectorPlan {
  var pid: Int32
  /// The DAC's path in the target's mount namespace.
  var path: String
  /// The DAC, open for reading: the file whose version was checked is the one that is loaded.
  var library: CInt
  /// The target's memory, open for reading: it stays readable when the rights to open it are given up.
  var memory: CInt
  var runtimeBase: UInt64
  var version: RuntimeVersion
  var own: InspectorAuthority
  var target: InspectorAuthority
}

extension InspectorPlan {
  /// Opens what the inspector needs, and checks that the DAC is the runtime's.
  ///
  /// - Throws: `missing`, `unreadable`, `otherVersion`, `notPermitted`.
  init(
    _ directory: borrowing ProcessDirectory, runtime: ManagedRuntime, version: RuntimeVersion?
  ) throws(DacError) {
    let pid = directory.pid
    guard let own = InspectorAuthority.own(),
      let target = InspectorAuthority(directory)
    else { throw .notPermitted("the rights of the process could not be read") }
    if let obstacle = own.obstacle(to: target) { throw .notPermitted(obstacle) }
    let path = runtime.debuggingLibrary
    let library = try Self.open(path, pid: pid)
    let found: RuntimeVersion
    do throws(DacError) {
      found = try Self.check(library, path: path, version: version)
    } catch {
      close(library)
      throw error
    }
    let memory = directory.open("mem")
    guard memory >= 0 else {
      close(library)
      throw .notPermitted("its memory cannot be opened")
    }
    let number = InspectorAuthority.prepareChildren(for: target, from: own, pid: pid)
    guard number == 0 else {
      close(library)
      close(memory)
      throw .notPermitted(
        "its PID namespace cannot be entered: \(String(cString: strerror(number)))")
    }
    self.init(
      pid: pid, path: path, library: library, memory: memory, runtimeBase: runtime.base,
      version: found, own: own, target: target)
  }

  private static func open(_ path: String, pid: Int32) throws(DacError) -> CInt {
    do throws(TargetFile.Failure) {
      return try TargetFile.open(path, pid: pid)
    } catch {
      throw error == .system(errno: ENOENT) ? .missing(path) : .unreadable(path, why: error.words)
    }
  }

  /// The DAC knows the runtime's structures by numbers that were compiled in: one of another build reads
  /// garbage, and on Linux nothing but this string tells them apart.
  private static func check(_ library: CInt, path: String, version: RuntimeVersion?)
    throws(DacError) -> RuntimeVersion
  {
    var status = stat()
    let (smallest, largest) = (4096, 64 << 20)
    guard fstat(library, &status) == 0, Int(status.st_size) >= smallest,
      Int(status.st_size) <= largest
    else {
      throw .notLoadable(
        "\(path) has an unlikely size of \(status.st_size) bytes")
    }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    let count = pread(library, &bytes, bytes.count, 0)
    guard count == bytes.count else { throw .unreadable(path, why: "it ends early") }
    guard bytes.starts(with: [0x7f, 0x45, 0x4c, 0x46]), let found = RuntimeVersion(in: bytes) else {
      throw .notLoadable("\(path) is no debugging library of .NET")
    }
    guard let version else {
      throw .otherVersion(library: found.text, runtime: "unknown: it has no version string")
    }
    guard found == version else {
      throw .otherVersion(library: found.text, runtime: version.text)
    }
    return found
  }
}
