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
  /// The locks of objects that threads wait for.
  private(set) var monitors = ContendedMonitors()
  private var crashedThread: Int32?
  private var typeNames: [UInt64: String?] = [:]
  /// What the crashed thread gave to Environment.FailFast; nil when it was not in there.
  private(set) var failFast: FailFastFacts?
  private let process: InspectorProcess?
  private let inspector: Inspector?
  private let refusal: DacError?
  private var tables: UnwindTables?
  private var found: [UInt64: ManagedCode?] = [:]

  /// Milliseconds for all that is asked while the process stands still, which takes about 4.
  private static let (patience, patienceInCrash) = (300.0, 1000.0)

  /// Starts the inspector, and does not wait for it.
  ///
  /// - Returns: nil for a process without a .NET runtime.
  init?(
    _ directory: borrowing ProcessDirectory, mappings: MappingTable, request: CaptureRequest,
    deadline: Instant
  ) {
    guard let runtime = ManagedRuntime(mappings: mappings) else { return nil }
    self.runtime = runtime
    let memory = ProcessMemory(pid: request.pid)
    version = RuntimeVersion(runtime.mappings, memory: memory)
    do throws(DacError) {
      let plan = try InspectorPlan(directory, runtime: runtime, version: version)
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
  var canAsk: Bool { process?.canAsk ?? false }

  /// Whether the runtime could be asked at some time.
  var wasReady: Bool { process?.wasReady ?? false }

  /// What must be read while the process stands still.
  ///
  /// - Parameter limit: when the process must run again.
  func readMoving(crashed: StoppedThread?, until limit: Instant) {
    guard let inspector, wasReady else { return }
    // A service that goes on must not stand still for an inspector that hangs; one that dies can wait.
    let patience = Instant.now.advanced(
      byMilliseconds: crashed == nil ? Self.patience : Self.patienceInCrash)
    process?.limit = min(limit, patience)
    defer { process?.limit = nil }
    for thread in inspector.threads(crashed: crashed?.id) { threads[thread.id] = thread }
    if let crashed {
      exception = inspector.exception(thread: crashed.id)
      crashedThread = crashed.id
      readFailFast(crashed)
    }
    if threads.values.contains(where: \.mayEnterMonitor) {
      monitors = inspector.contendedMonitors() ?? monitors
    }
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

  /// True for a thread that is in the runtime's native code for Monitor.Enter.
  ///
  /// - Parameter caller: the address to look its innermost managed function up by, and the one that its call
  ///   returns to.
  func entersMonitor(_ thread: ManagedThread, caller: (lookup: UInt64, ip: UInt64)) -> Bool {
    guard thread.mayEnterMonitor else { return false }
    // On 3.1 only Monitor.Enter's own native half leaves a record: `lock` and synchronized methods call others.
    if let call = thread.nativeCalls.first, let found = method(descriptor: call.method),
      MonitorNames.enters(method: found.name)
    {
      return true
    }
    return method(at: caller.lookup).map { MonitorNames.enters(method: $0.name) } ?? false
      || helper(calledBefore: caller.ip).map(MonitorNames.enters(helper:)) ?? false
  }

  /// The type of the exception that a thread deals with, or was the last to throw.
  func exceptionType(_ thread: ManagedThread) -> String? {
    // Of this one it is known which is the current one.
    if thread.id == crashedThread { return exception?.type }
    return thread.exceptionTable == 0 ? nil : typeName(thread.exceptionTable)
  }

  /// A type's name, asked for once.
  func typeName(_ table: UInt64) -> String? {
    if let known = typeNames[table] { return known }
    let name = inspector?.typeName(table)
    typeNames[table] = .some(name)
    return name
  }

  /// Makes the walker ask the runtime about code that is in no native library.
  func codeFinder(memory: any MemorySource, images: ImageTable) -> ManagedCodeFinder? {
    guard wasReady else { return nil }
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
        ManagedRules(
          base: entry.base, start: entry.start, end: entry.end, information: entry.information))
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
    guard refusal == nil, let process, process.refusal == nil else { return .unavailable }
    return process.wasReady && process.canAsk ? .ok : .failed
  }

  /// Why the runtime could not be asked at all: the problem and what would help.
  var unavailability: (problem: String, effect: String, remedy: String?)? {
    (refusal ?? process?.refusal).map { ($0.description, Self.withoutNames, $0.remedy) }
  }

  /// What went wrong while it was asked, one entry each.
  var problems: [(problem: String, effect: String, remedy: String?)] {
    (process?.problems ?? []).map { problem in
      let effect =
        if !wasReady { Self.withoutNames } else if canAsk { problem.cost } else {
          "names, lines and exceptions that it had not told by then are missing"
        }
      return (problem.words, effect, wasReady ? Self.ours : Self.damaged)
    }
  }

  private static let withoutNames =
    "managed frames are walked by frame pointer and have no names; exceptions are unknown"
  private static let damaged =
    "install the runtime again from its package; if it is not damaged, report this as a bug of Inquest"
  private static let ours =
    "report it as a bug of Inquest or of the runtime's debugging library, with this report"
}
