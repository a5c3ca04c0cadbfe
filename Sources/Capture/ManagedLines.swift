import CLinux
import DotNet
import Glibc
import Memory

/// Source lines of managed code, each module's PDB looked for once.
final class ManagedLines {
  /// Bytes of one PDB file, at most.
  private static let fileLimit = 256 << 20

  private let pid: Int32
  private let memory: any MemorySource
  private var found: [UInt64: PortablePDB?] = [:]
  private var ids: [UInt64: [UInt8]] = [:]
  /// Modules without lines, and why, in the order in which they were asked about.
  private(set) var problems: [(path: String, problem: PDBSearch.Problem)] = []

  /// - Parameter pid: of a live thread of the process, for its mount namespace.
  init(pid: Int32, memory: any MemorySource) {
    self.pid = pid
    self.memory = memory
  }

  /// What a PDB must be called to belong to a module: the 20 bytes of its id.
  func pdbID(of module: UInt64) -> [UInt8]? { ids[module] }

  /// Where a method's code at an IL offset was written; nil where that is not known.
  func line(_ method: ManagedMethod, in module: ManagedModule) -> SourceLine? {
    guard let offset = method.ilOffset else { return nil }
    return pdb(module, at: method.module)?.location(method: method.token, ilOffset: offset)
  }

  private func pdb(_ module: ManagedModule, at address: UInt64) -> PortablePDB? {
    if let known = found[address] { return known }
    let result = find(module, at: address)
    found[address] = .some(result)
    return result
  }

  private func find(_ module: ManagedModule, at address: UInt64) -> PortablePDB? {
    guard !module.isDynamic, module.image != 0,
      let directory = try? DebugDirectory(memory: memory, at: module.image)
    else { return nil }
    ids[address] = directory.codeView?.id
    var inMemory: [UInt8]?
    if module.pdbSize > 0, module.pdbSize <= Self.fileLimit {
      inMemory = memory.bytes(at: module.pdb, count: Int(module.pdbSize))
    }
    do throws(PDBSearch.Problem) {
      return try PDBSearch.find(
        PDBSearch.Module(
          path: module.path.isEmpty ? nil : module.path, directory: directory, memory: memory,
          inMemory: inMemory),
        open: { contents($0) })
    } catch {
      problems.append((module.path, error))
      return nil
    }
  }

  /// All of a file as the process sees it; nil when there is none, or it is no regular file, or too large.
  private func contents(_ path: String) -> [UInt8]? {
    guard let file = try? TargetFile.open(path, pid: pid) else { return nil }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, Int(status.st_size) <= Self.fileLimit
    else { return nil }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    return pread(file, &bytes, bytes.count, 0) == bytes.count ? bytes : nil
  }
}
