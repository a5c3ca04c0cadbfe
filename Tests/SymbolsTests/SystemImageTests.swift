import Foundation
import Memory
import Symbols
import Testing

@Suite struct SystemImageTests {
  /// The library that this process has loaded, by its name's beginning.
  private func loaded(_ name: String) throws -> Mapping {
    let maps = MappingTable(text: try Lab.readAll("/proc/self/maps"))
    return try #require(
      maps.mappings.first { $0.path.contains(name) && $0.offset == 0 }, "\(name) not loaded")
  }

  @Test(arguments: ["libc.so.6", "libstdc++.so.6", "libm.so.6"])
  func strippedLibraryHasItsExportedNames(name: String) throws {
    try compareWithNM(try loaded(name).path, dynamic: true)
  }

  @Test func libcNamesItsOwnFunctions() throws {
    let mapping = try loaded("libc.so.6")
    let image = try image(of: mapping.path, bias: mapping.start)
    let handle = try #require(dlopen("libc.so.6", RTLD_NOW))
    let names = ["write", "getpid", "qsort", "abort", "pthread_mutex_lock", "fork", "sigaction"]
    let addresses = names.map { UInt64(UInt(bitPattern: dlsym(handle, $0))) }
    let found = Symbolizer(open: openPath, debugRoot: "/none").resolve(
      addresses.map { $0 + 1 }, in: image)
    for (name, address) in zip(names, addresses) {
      #expect(found.symbols[address + 1]?.name == name)
      #expect(found.symbols[address + 1]?.address == address)
    }
  }

  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/usr/lib/debug/.build-id")))
  func libcInternalsComeFromItsDebugFile() throws {
    let path = try loaded("libc.so.6").path
    let id = try #require(try buildID(of: path)).map { String(format: "%02x", $0) }
    let debug = "/usr/lib/debug/.build-id/\(id[0])/\(id.dropFirst().joined()).debug"
    guard FileManager.default.fileExists(atPath: debug) else { return }
    let image = try image(of: path, bias: 0x7f00_0000_0000)
    let inner = try #require(try Function.all(in: debug).first { $0.name == "start_thread" })
    let address = inner.start + image.loadBias
    let found = Symbolizer(open: openPath).resolve([address + 5], in: image)
    #expect(found.symbols[address + 5] == Symbol(name: "start_thread", address: address))
  }

  private struct OwnMemory: MemorySource {
    func read(_ address: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
      let descriptor = open("/proc/self/mem", O_RDONLY | O_CLOEXEC)
      defer { close(descriptor) }
      return max(0, pread(descriptor, buffer.baseAddress, buffer.count, off_t(address)))
    }
  }

  @Test func vdsoIsReadFromMemory() throws {
    let mapping = try loaded("[vdso]")
    let image = Image(
      kind: .vdso, path: "[vdso]", base: mapping.start, end: mapping.end,
      loadBias: mapping.start, mappings: [mapping])
    // The truth: the same bytes as a file, read by nm.
    let lab = try Lab()
    let bytes = try #require(
      OwnMemory().bytes(at: mapping.start, count: Int(mapping.end - mapping.start)))
    try Data(bytes).write(to: lab.directory.appendingPathComponent("vdso.so"))
    let symbolizer = Symbolizer(open: { _ in nil }, debugRoot: "/none", memory: OwnMemory())
    try compareWithNM(
      "[vdso]", dynamic: true, symbolizer: symbolizer, image: image, truth: lab.path("vdso.so"))
    let names = try Function.all(in: lab.path("vdso.so"), dynamic: true).map(\.name)
    #expect(names.contains { $0.hasSuffix("clock_gettime") })

    let blind = Symbolizer(open: { _ in nil }).resolve([mapping.start + 0x900], in: image)
    #expect(blind.problems.map(\.problem) == [.fileUnavailable])
  }

  @Test func everyDeadlineIsKept() throws {
    let image = try image(of: try loaded("libc.so.6").path)
    let address = image.mappings[1].start + 64
    let result = Symbolizer(open: openPath).resolve(
      [address], in: ImageTable([image]), isPastDeadline: { true })
    #expect(result.symbols.isEmpty)
    #expect(result.problems.map(\.problem) == [.pastDeadline])
  }

  @Test func otherImagesAndHolesStayNameless() throws {
    var jit = try image(of: try loaded("libc.so.6").path)
    jit.kind = .jit
    let result = Symbolizer(open: openPath).resolve([jit.base + 5, 1, .max], in: jit)
    #expect(result.symbols.isEmpty)
    #expect(result.problems.isEmpty)
  }
}
