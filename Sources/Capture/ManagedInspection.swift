import CLinux
import DotNet
import Glibc
import Inferior
import Memory
import Report
import Unwinding

/// What the runtime itself knows about the process: whose code is where, what was thrown.
///
/// Begun before the process is stopped, because loading the DAC takes longer than all of the freeze; what
/// moves (threads, objects) is read while it stands still, what stays (code, modules) after it runs again.
final class ManagedInspection {
  let runtime: ManagedRuntime
  /// Of the code that runs; nil where its version string was not found.
  let version: RuntimeVersion?
  private(set) var threads: [Int32: ManagedThread] = [:]
  /// Of the crashed thread.
  private(set) var exception: ExceptionFacts?
  private var crashedThread: Int32?
  private var typeNames: [UInt64: String?] = [:]
  /// What the crashed thread gave to Environment.FailFast; nil when it was not in there.
  private(set) var failFast: FailFastFacts?
  private let process: InspectorProcess?
  private let inspector: Inspector?
  private let refusal: DacError?
  private var tables: UnwindTables?
  private var found: [UInt64: ManagedCode?] = [:]

  /// Starts the inspector, and does not wait for it.
  ///
  /// - Returns: nil for a process without a .NET runtime.
  init?(_ directory: borrowing ProcessDirectory, request: CaptureRequest, deadline: Instant) {
    let maps = directory.contents(of: "maps", limit: 64 << 20) ?? []
    guard let runtime = ManagedRuntime(mappings: MappingTable(text: maps)) else { return nil }
    self.runtime = runtime
    let memory = ProcessMemory(pid: request.pid)
    version = RuntimeVersion(runtime.mappings, memory: memory)
    do throws(DacError) {
      let plan = try InspectorPlan(directory, runtime: runtime, version: version)
      defer {
        close(plan.library)
        close(plan.memory)
      }
      let process = InspectorProcess(plan, deadline: deadline)
      inspector = Inspector { process.exchange($0) }
      self.process = process
      refusal = nil
    } catch {
      (process, inspector, refusal) = (nil, nil, error)
    }
  }

  /// Waits until the inspector can answer, which it should before anyone is stopped.
  func prepare() { _ = process?.awaitReady() }

  /// Whether the runtime can be asked.
  var isReady: Bool { process?.isReady ?? false }

  /// What must be read while the process stands still.
  ///
  /// - Parameter limit: when the process must run again.
  func readMoving(crashed: StoppedThread?, until limit: Instant) {
    guard let inspector, isReady else { return }
    process?.limit = limit
    defer { process?.limit = nil }
    for thread in inspector.threads(crashed: crashed?.id) { threads[thread.id] = thread }
    guard let crashed else { return }
    exception = inspector.exception(thread: crashed.id)
    crashedThread = crashed.id
    readFailFast(crashed)
  }

  private func readFailFast(_ crashed: StoppedThread) {
    guard let inspector, let registers = crashed.registers else { return }
    let call = threads[crashed.id]?.nativeCalls.first { call in
      inspector.method(descriptor: call.method)?.name
        .hasPrefix("System.Environment.FailFast(") == true
    }
    guard let call else { return }
    failFast =
      inspector.failFast(thread: crashed.id, frame: call.address, context: registers.context)
      ?? FailFastFacts()
    // What the runtime keeps ready for its own failures says nothing of this one.
    exception = failFast?.exception
  }

  /// The type of the exception that a thread deals with, or was the last to throw.
  func exceptionType(_ thread: ManagedThread) -> String? {
    // Of this one it is known which is the current one.
    if thread.id == crashedThread { return exception?.type }
    guard thread.exceptionTable != 0 else { return nil }
    if let known = typeNames[thread.exceptionTable] { return known }
    let name = inspector?.typeName(thread.exceptionTable)
    typeNames[thread.exceptionTable] = .some(name)
    return name
  }

  /// Makes the walker ask the runtime about code that is in no native library.
  func codeFinder(memory: any MemorySource, images: ImageTable) -> ManagedCodeFinder? {
    guard isReady else { return nil }
    tables = UnwindTables(memory: memory, images: images)
    self.images = images
    return { [unowned self] in code(at: $0) }
  }

  /// True for the address of an exception handler, which the runtime compiles as a function of its own.
  func isHandler(_ address: UInt64, of method: ManagedMethod) -> Bool {
    guard method.kind == .method, let entry = tables?.entry(for: method, at: address) else {
      return false
    }
    return entry.start != method.start
  }

  private func code(at address: UInt64) -> ManagedCode? {
    if let known = found[address] { return known }
    let answer: ManagedCode? = method(at: address).map { method in
      guard method.kind != .stub else { return .stub }
      guard let entry = tables?.entry(for: method, at: address) else {
        return .functionWithoutRules
      }
      return .function(
        ManagedRules(base: entry.base, start: entry.start, information: entry.information))
    }
    found[address] = .some(answer)
    return answer
  }

  /// Whose code `address` is; nil for native code, and when nobody can tell.
  func method(at address: UInt64) -> ManagedMethod? {
    if let found = inspector?.method(at: address) { return found }
    guard let image = images?.containing(address), ManagedRuntime.holdsManagedCode(image),
      !unknown.contains(address)
    else { return nil }
    // 3.1 looks code up only while no thread is adding any, and its debugging library keeps the state of
    // that lock as it was when first read: then nothing at all is anybody's code (measured: every second
    // capture of a process that compiles all the time).
    for _ in 0..<Self.tries where triesLeft > 0 {
      triesLeft -= 1
      if let found = inspector?.method(at: address, anew: true) { return found }
      Instant.sleep(microseconds: 200)
    }
    unknown.insert(address)
    return nil
  }

  /// Questions asked again about one address, and about all.
  private static let tries = 6
  private var triesLeft = 60
  private var images: ImageTable?
  private var unknown: Set<UInt64> = []

  func method(of entry: ExceptionFacts.Entry) -> ManagedMethod? { inspector?.method(of: entry) }

  func helper(calledBefore returnAddress: UInt64) -> String? {
    inspector?.helper(calledBefore: returnAddress)
  }

  func method(descriptor: UInt64) -> ManagedMethod? { inspector?.method(descriptor: descriptor) }

  /// The modules of all methods asked about so far, by the addresses of their Module.
  var modules: [UInt64: ManagedModule] { inspector?.modules ?? [:] }

  func module(of method: ManagedMethod) -> ManagedModule? { inspector?.module(of: method) }

  // MARK: Telling

  /// Whether the runtime's own words are in the report.
  var state: RuntimeRecord.Inspection {
    if refusal != nil { return .unavailable }
    guard let process else { return .unavailable }
    if process.refusal != nil { return .unavailable }
    return isReady ? .ok : .failed
  }

  /// What was not to be had, one entry each: the problem and what would help.
  var problems: [(problem: String, effect: String, remedy: String?)] {
    var result: [(String, String, String?)] = []
    if let error = refusal ?? process?.refusal {
      result.append((error.description, Self.withoutNames, error.remedy))
    }
    for problem in process?.problems ?? [] {
      result.append(
        (problem, isReady ? "that answer is missing" : Self.withoutNames, Self.ours))
    }
    return result
  }

  private static let withoutNames =
    "managed frames are walked by frame pointer and have no names; exceptions are unknown"
  private static let ours =
    "report it as a bug of Inquest or of the runtime's debugging library, with this report"
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
    let file = inquest_openat(
      AT_FDCWD, "/proc/\(pid)/root\(path)", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0)
    guard file >= 0 else {
      let number = inquest_errno()
      throw number == ENOENT ? .missing(path) : .unreadable(path, errno: number)
    }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(file)
      throw .unreadable(path, errno: EINVAL)
    }
    return file
  }

  /// The DAC knows the runtime's structures by numbers that were compiled in: one of another build reads
  /// garbage, and on Linux nothing but this string tells them apart.
  private static func check(_ library: CInt, path: String, version: RuntimeVersion?)
    throws(DacError) -> RuntimeVersion
  {
    var status = stat()
    let (smallest, largest) = (4096, 256 << 20)
    guard fstat(library, &status) == 0, Int(status.st_size) >= smallest,
      Int(status.st_size) <= largest
    else { throw .notLoadable("\(path) has an unlikely size") }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    let count = pread(library, &bytes, bytes.count, 0)
    guard count == bytes.count else { throw .unreadable(path, errno: inquest_errno()) }
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
