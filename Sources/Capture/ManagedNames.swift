import DotNet
import Memory
import Report

/// Names and lines of managed frames, each address resolved once.
final class ManagedNames {
  /// What a frame says of its method.
  struct Resolved {
    var kind: Frame.Kind
    var function: String
    var rawFunction: String?
    /// Where the code begins, an address; 0 where that is not known.
    var start: UInt64 = 0
    var isPlumbing: Bool
    /// The method's identity; 0 for stubs.
    var method: UInt64 = 0
    /// True in a catch, finally or filter block.
    var isHandler = false
    var managed: Frame.Managed?
    var line: SourceLine?
  }

  private let inspection: ManagedInspection
  let lines: ManagedLines
  private let memory: any MemorySource
  private var known: [UInt64: Resolved?] = [:]
  private var entries: [EntryKey: Resolved?] = [:]
  private var readers: [UInt64: MetadataReader?] = [:]

  /// Bytes of one module's metadata that are believed.
  private static let metadataLimit: UInt64 = 256 << 20

  init(_ inspection: ManagedInspection, lines: ManagedLines, memory: any MemorySource) {
    self.inspection = inspection
    self.memory = memory
    self.lines = lines
  }

  /// False when nobody answers any more: what has no name then may yet be a method.
  var canAsk: Bool { inspection.canAsk }

  /// True when the crashed thread was in Environment.FailFast.
  var isInFailFast: Bool { inspection.failFast != nil }

  /// Whose code a lookup address is; nil for native code.
  func resolve(_ address: UInt64) -> Resolved? {
    if let found = known[address] { return found }
    let result = inspection.method(at: address).map { resolve($0, address: address) }
    known[address] = .some(result)
    return result
  }

  func resolve(_ entry: ExceptionFacts.Entry) -> Resolved? {
    let key = EntryKey(address: entry.lookupAddress, method: entry.method)
    if let found = entries[key] { return found }
    let result = inspection.method(of: entry).map { resolve($0, address: entry.lookupAddress) }
    entries[key] = .some(result)
    return result
  }

  /// What an entry of an exception's stack trace is named by: recursion and siblings have the same ones
  /// many times.
  private struct EntryKey: Hashable {
    var address: UInt64
    var method: UInt64
  }

  /// The method that a function of the runtime implements, `Monitor.Enter` for example, told by the record
  /// that it keeps in its frame, between its stack pointer and its caller's.
  func nativeMethod(thread: Int32, between start: UInt64, and end: UInt64) -> Resolved? {
    let call = inspection.threads[thread]?.nativeCalls.last {
      start <= $0.address && $0.address < end
    }
    guard let call, let method = inspection.method(descriptor: call.method) else { return nil }
    var result = resolve(method, address: 0)
    // What `lock` and Monitor.Enter come down to; nobody calls it by this name.
    if result.function == "System.Threading.Monitor.ReliableEnter" {
      result.function = "System.Threading.Monitor.Enter"
    }
    // It is the runtime's native code, so nothing of the assembly's applies; and it is what the thread
    // does, so it is not plumbing.
    result.kind = .runtime
    result.managed = nil
    result.isPlumbing = false
    return result
  }

  /// A helper of the runtime that managed code has called by itself: compilers turn `lock` into one.
  func helper(calledBefore returnAddress: UInt64) -> Resolved? {
    guard let raw = inspection.helper(calledBefore: returnAddress) else { return nil }
    var result = Resolved(kind: .runtime, function: raw, isPlumbing: true)
    // What it stands for in a program. The others are allocations, casts and throws.
    if raw.hasPrefix("JIT_Mon") {
      let name =
        raw.hasPrefix("JIT_MonExit") ? "Exit" : raw.hasPrefix("JIT_MonTry") ? "TryEnter" : "Enter"
      result.function = "System.Threading.Monitor." + name
      result.rawFunction = raw
      result.isPlumbing = false
    }
    return result
  }

  private func resolve(_ method: ManagedMethod, address: UInt64) -> Resolved {
    let isStub = method.kind == .stub
    var result = Resolved(
      kind: isStub ? .runtime : .managed, function: method.name, isPlumbing: isStub)
    result.method = method.method
    result.isHandler = inspection.isHandler(address, of: method)
    result.function = ManagedName.spoken(
      method.name, metadata: metadata(method), token: method.token)
    if ManagedName.isPlumbing(method.name) { result.isPlumbing = true }
    if result.function != method.name { result.rawFunction = method.name }
    result.start = method.start
    // A row of 0 is no method of the assembly: the runtime's own stubs have it.
    if method.kind == .method, method.token & 0xff_ffff != 0,
      let module = inspection.module(of: method), let assembly = assembly(module, of: method)
    {
      result.managed = Frame.Managed(
        token: HexNumber(UInt64(method.token)),
        ilOffset: method.ilOffset.map { HexNumber(UInt64($0)) }, assembly: assembly,
        mvid: Self.guid(module.mvid))
      result.line = lines.line(method, in: module)
    }
    return result
  }

  /// The metadata of a module, for the names of type parameters; nil where it cannot be read.
  private func metadata(_ method: ManagedMethod) -> MetadataReader? {
    guard method.kind == .method, let module = inspection.module(of: method), module.metadata != 0
    else { return nil }
    if let known = readers[method.module] { return known }
    let size = Int(clamping: min(module.metadataSize, Self.metadataLimit))
    let reader = try? MetadataReader(memory: memory, at: module.metadata, size: size)
    readers[method.module] = .some(reader)
    return reader
  }

  /// The name of its file; of one without a file the name that it gives itself; nil where it has neither.
  private func assembly(_ module: ManagedModule, of method: ManagedMethod) -> String? {
    if let file = module.path.split(separator: "/").last { return String(file) }
    return metadata(method)?.assemblyName
  }

  /// The digits of a GUID as it is usually written: its first three parts are numbers, little-endian in
  /// memory. Nil when there are not 16 bytes.
  private static func guid(_ bytes: [UInt8]) -> String? {
    guard bytes.count == 16 else { return nil }
    return ([3, 2, 1, 0, 5, 4, 7, 6].map { bytes[$0] } + bytes[8...]).hexadecimal
  }

  // MARK: Modules

  /// True for an assembly of the program's own, not of the framework that came with the runtime.
  func isOwn(_ path: String) -> Bool {
    let folder = inspection.runtime.path.dropLast("libcoreclr.so".count)
    return !path.hasPrefix(folder)
  }

  /// The images, and after them the assemblies that are no image: those whose code was compiled at run time.
  func modules(_ images: ImageTable) -> [ModuleRecord] {
    var records = images.images.map(ModuleRecord.init(image:))
    for (address, module) in inspection.modules.sorted(by: { $0.key < $1.key })
    where !module.path.isEmpty {
      let mvid = Self.guid(module.mvid)
      let pdb = lines.pdbID(of: address).flatMap { id in
        Self.guid(Array(id.prefix(16))).map { $0 + id.dropFirst(16).reversed().hexadecimal }
      }
      var isListed = false
      for index in records.indices
      where records[index].kind == .pe && records[index].path == module.path {
        (records[index].mvid, records[index].pdbID) = (mvid, pdb)
        isListed = true
      }
      guard !isListed, module.image != 0 else { continue }
      var record = ModuleRecord(
        path: module.path, kind: .pe, base: HexNumber(module.image),
        end: HexNumber(module.image &+ module.imageSize))
      (record.mvid, record.pdbID) = (mvid, pdb)
      records.append(record)
    }
    return records
  }

  // MARK: Exceptions

  /// - Parameter images: for the modules of frames.
  func exception(_ facts: ExceptionFacts, images: ImageTable) -> ManagedException {
    let earlier = PrintedTrace.lines(facts.earlierTrace).map { line in
      // There is nothing but the text: no address, and the line that it has.
      var frame = Frame(kind: .managed, trust: .runtime, ip: 0, sp: 0)
      frame.function = PrintedTrace.spoken(line.method)
      if frame.function != line.method { frame.rawFunction = line.method }
      (frame.file, frame.line) = (line.file, line.line)
      if let raw = frame.rawFunction, ManagedName.isPlumbing(raw) { frame.plumbing = true }
      return frame
    }
    let frames = facts.entries.map { entry in
      var frame = Frame(
        kind: .managed, trust: .runtime, ip: HexNumber(entry.ip), sp: HexNumber(entry.sp))
      if let index = images.index(containing: entry.lookupAddress) {
        frame.module = index
        frame.moduleOffset = HexNumber(entry.ip &- images.images[index].base)
      }
      if let found = resolve(entry) { frame.apply(found) }
      return frame
    }
    // Nobody is to take a part for the whole.
    let mark =
      facts.messageLeftOut > 0 ? "… [\(facts.messageLeftOut) more UTF-16 units are left out]" : ""
    return ManagedException(
      type: facts.type, message: facts.message + mark, hresult: HResult(facts.hresult),
      frames: earlier + frames, inner: facts.inner.map { exception($0, images: images) })
  }
}

extension Frame {
  mutating func apply(_ found: ManagedNames.Resolved) {
    kind = found.kind
    // A method without a name is damage, not a name.
    function = found.function.isEmpty ? nil : found.function
    rawFunction = found.rawFunction?.isEmpty == true ? nil : found.rawFunction
    functionOffset =
      found.start != 0 && ip.value >= found.start ? HexNumber(ip.value - found.start) : nil
    managed = found.managed
    file = found.line?.file
    line = found.line?.line
    // Column 0 is none.
    column = found.line.flatMap { $0.column > 0 ? $0.column : nil }
    plumbing = found.isPlumbing ? true : nil
  }
}
