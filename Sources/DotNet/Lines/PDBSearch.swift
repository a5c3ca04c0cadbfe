public import Memory

/// Finds the PDB that belongs to an assembly, and no other: lines of another build would be wrong lines.
public enum PDBSearch {
  /// What is known of a module.
  public struct Module {
    /// The DLL's path in the target's mount namespace; nil for assemblies loaded from bytes.
    public var path: String?
    public var directory: DebugDirectory
    /// What the directory was read from.
    public var memory: any MemorySource
    /// The PDB that the target handed to the runtime with the assembly.
    public var inMemory: [UInt8]?

    public init(
      path: String?, directory: DebugDirectory, memory: any MemorySource, inMemory: [UInt8]? = nil
    ) {
      self.path = path
      self.directory = directory
      self.memory = memory
      self.inMemory = inMemory
    }
  }

  /// Why a module's frames have no lines.
  public enum Problem: Error, Sendable, Equatable {
    /// It was compiled without debug information.
    case noDebugInformation
    /// Its debug information is of the kind that only Windows reads.
    case windowsPDB
    /// The PDB of this name is nowhere.
    case notFound(String)
    /// There is a PDB at this path, but of another build of the assembly.
    case otherBuild(String)
    /// There is a PDB at this path, or in the assembly, and it cannot be read.
    case damaged(String, PDBError)
  }

  /// The name under which an embedded PDB is complained of.
  static let embeddedName = "the PDB embedded in the assembly"
  static let inMemoryName = "the PDB loaded with the assembly"

  /// Looks in the assembly, beside the DLL, where the compiler wrote it, and in the target's memory.
  ///
  /// - Parameter open: all of a file in the target's mount namespace; nil if there is none, or it is too
  ///   large. Paths are absolute, but come from the assembly.
  public static func find(
    _ module: Module, open: (String) -> [UInt8]?
  ) throws(Problem) -> PortablePDB {
    let directory = module.directory
    var problem: Problem?
    // What is wrong with the first that there was says most.
    func accept(_ name: String, _ read: () throws(PDBError) -> PortablePDB) -> PortablePDB? {
      do throws(PDBError) {
        let pdb = try read()
        // Without an entry that names one, only the embedded one comes this far: it is part of the assembly.
        if let codeView = directory.codeView, pdb.id != codeView.id {
          problem = problem ?? .otherBuild(name)
          return nil
        }
        return pdb
      } catch {
        problem = problem ?? .damaged(name, error)
        return nil
      }
    }

    if let block = directory.embedded {
      let pdb = accept(embeddedName) { () throws(PDBError) in
        try PortablePDB(EmbeddedPDB.bytes(block, in: module.memory))
      }
      if let pdb { return pdb }
    }
    guard let codeView = directory.codeView else {
      throw problem ?? (directory.hasWindowsPDB ? .windowsPDB : .noDebugInformation)
    }
    let candidates = paths(codeView.path, beside: module.path)
    for path in candidates {
      guard let bytes = open(path) else { continue }
      if let pdb = accept(path, { () throws(PDBError) in try PortablePDB(bytes) }) { return pdb }
    }
    if let bytes = module.inMemory {
      let pdb = accept(inMemoryName) { () throws(PDBError) in try PortablePDB(bytes) }
      if let pdb { return pdb }
    }
    throw problem ?? .notFound(fileName(codeView.path))
  }

  /// Where the PDB may lie, most likely first: under its own name and under the DLL's beside the DLL, then
  /// where it was written.
  static func paths(_ recorded: String, beside dll: String?) -> [String] {
    var paths: [String] = []
    if let dll, dll.hasPrefix("/"), let slash = dll.lastIndex(of: "/") {
      let folder = dll[...slash]
      paths.append(folder + fileName(recorded))
      var name = dll[dll.index(after: slash)...]
      if let dot = name.lastIndex(of: ".") { name = name[..<dot] }
      paths.append(folder + name + ".pdb")
    }
    if recorded.hasPrefix("/") { paths.append(recorded) }
    var seen: Set<String> = []
    return paths.filter { !$0.hasSuffix("/") && seen.insert($0).inserted }
  }

  /// The last part of a path of Linux or Windows.
  private static func fileName(_ path: String) -> String {
    path.split { $0 == "/" || $0 == "\\" }.last.map(String.init) ?? ""
  }
}

extension PDBSearch.Problem: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noDebugInformation: "it was compiled without debug information"
    case .windowsPDB: "its debug information is a Windows PDB, not a portable one"
    case .notFound(let name): "\(name) was found neither beside it nor where it was compiled"
    case .otherBuild(let path): "\(path) is of another build"
    case .damaged(let path, let error): "\(path) cannot be read: \(error)"
    }
  }
}

extension PDBSearch.Problem {
  /// One line: what would help.
  public var remedy: String {
    switch self {
    case .noDebugInformation: "compile with <DebugType>portable</DebugType> or embedded"
    case .windowsPDB: "compile with <DebugType>portable</DebugType>"
    case .notFound:
      "deploy the .pdb beside the .dll, or compile with <DebugType>embedded</DebugType>"
    case .otherBuild: "deploy the .pdb of the same build"
    case .damaged: "deploy the .pdb again"
    }
  }
}
