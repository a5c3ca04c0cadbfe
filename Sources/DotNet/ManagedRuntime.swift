public import Memory

/// The .NET runtime inside a process: libcoreclr.so and what is known from where it lies.
public struct ManagedRuntime: Sendable, Equatable {
  /// The path of libcoreclr.so in the process's mount namespace.
  public var path: String
  /// `8.0.4`: the directory in which the shared framework was installed; nil for other layouts.
  public var version: String?

  /// Where libcoreclr.so lies: the address of its first byte.
  public var base: UInt64
  /// Its mappings, ascending.
  public var mappings: [Mapping]

  /// Nil when the process has no .NET runtime loaded.
  public init?(mappings table: MappingTable) {
    // Some tools have another one mapped as a mere file.
    let code = table.mappings.first { $0.path.hasSuffix("/libcoreclr.so") && $0.isExecutable }
    guard let code else { return nil }
    let file = table.mappings.filter {
      $0.path == code.path && $0.inode == code.inode && $0.device == code.device
    }
    let start = file.last { $0.offset == 0 && $0.start <= code.start }?.start ?? code.start
    mappings = file.filter { $0.start >= start }
    guard let library = mappings.first else { return nil }
    path = library.path
    base = library.start
    let directory = library.path.split(separator: "/").dropLast().last
    if let directory, directory.first?.isNumber == true { version = String(directory) }
  }

  /// Where the runtime's debugging library should be, in the process's mount namespace.
  public var debuggingLibrary: String {
    String(path.dropLast("libcoreclr.so".count)) + "libmscordaccore.so"
  }

  /// True for the runtime's own libraries and the host's: machinery between the frames that matter.
  public static func isMachinery(_ image: Image) -> Bool {
    let name = image.path.split(separator: "/").last.map(String.init) ?? ""
    return machinery.contains(name)
  }

  private static let machinery: Set<String> = [
    "libcoreclr.so", "libclrjit.so", "libclrgc.so", "libhostfxr.so", "libhostpolicy.so",
    "libSystem.Native.so", "libcoreclrtraceptprovider.so",
  ]

  /// True for images that hold managed code in a process with this runtime: assemblies, and the memory
  /// that the JIT compiler writes to. The runtime's own stubs live in such memory too.
  public static func holdsManagedCode(_ image: Image) -> Bool {
    image.kind == .pe || image.kind == .jit
  }
}
