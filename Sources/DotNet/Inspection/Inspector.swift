/// The worker's side of the inspector: questions as calls. Nothing throws: an inspector that has died, or
/// answers nonsense, knows nothing.
public final class Inspector {
  /// Sends a question and waits for the answer; nil when there is none to be had.
  private let exchange: ([UInt8]) -> [UInt8]?
  private var methods: [UInt64: ManagedMethod?] = [:]
  private var helpers: [UInt64: String?] = [:]
  private var descriptors: [UInt64: ManagedMethod?] = [:]
  /// Those asked about so far, by the addresses of their Module.
  public private(set) var modules: [UInt64: ManagedModule] = [:]

  /// Modules that a method with code was asked about.
  private var located: Set<UInt64> = []

  public init(exchange: @escaping ([UInt8]) -> [UInt8]?) {
    self.exchange = exchange
  }

  /// The threads that the runtime knows. To be asked first, while the process stands still.
  ///
  /// - Parameter crashed: the one to learn most about; nil for none.
  public func threads(crashed: Int32?) -> [ManagedThread] {
    ask(.threads) {
      $0.put(Int(crashed ?? 0))
    } read: { reader throws(WireReader.Damaged) in
      try reader.threads()
    } ?? []
  }

  /// The exception that a thread deals with, or was the last to throw. To be asked while the process
  /// stands still: objects move.
  public func exception(thread: Int32) -> ExceptionFacts? {
    ask(.exception) {
      $0.put(Int(thread))
    } read: { reader throws(WireReader.Damaged) in
      try reader.exception()
    }
  }

  /// What a thread in Environment.FailFast was given.
  ///
  /// - Parameters:
  ///   - frame: the address of the explicit Frame that stands for the call.
  ///   - context: the thread's registers as a CONTEXT.
  public func failFast(thread: Int32, frame: UInt64, context: [UInt8]) -> FailFastFacts? {
    ask(.failFast) { writer in
      writer.put(Int(thread))
      writer.put(frame)
      writer.put(context)
    } read: { reader throws(WireReader.Damaged) in
      try reader.failFast()
    }
  }

  /// The locks of objects that threads wait for. To be asked while the process stands still: objects move.
  public func contendedMonitors() -> ContendedMonitors? {
    ask(.monitors) { _ in
    } read: { reader throws(WireReader.Damaged) in
      try reader.contendedMonitors()
    }
  }

  /// Whose code an address is; nil for native code.
  ///
  /// - Parameters:
  ///   - address: inside the instruction.
  ///   - anew: what was answered before, and the memory that it was read from, counts for nothing.
  public func method(at address: UInt64, anew: Bool = false) -> ManagedMethod? {
    if !anew, let known = methods[address] { return known }
    let found = ask(.method) { writer in
      writer.put(address)
      writer.put(anew)
    } read: { reader throws(WireReader.Damaged) in
      try reader.method()
    }
    methods[address] = .some(found)
    return found
  }

  /// The method of one entry of an exception's stack trace.
  public func method(of entry: ExceptionFacts.Entry) -> ManagedMethod? {
    // Native code that implements a method has no address in the trace.
    guard entry.ip > 1 else { return method(descriptor: entry.method) }
    // Code addresses are given to other methods when collectible code goes.
    if let found = method(at: entry.lookupAddress),
      found.method == entry.method || entry.method == 0
    {
      return found
    }
    return method(descriptor: entry.method)
  }

  /// The name of a type by the address of its MethodTable.
  public func typeName(_ table: UInt64) -> String? {
    ask(.typeName) {
      $0.put(table)
    } read: { reader throws(WireReader.Damaged) in
      try reader.text(atMost: WireLimits.name)
    }
  }

  /// The runtime's own helper that the call before a return address went to; nil for anything else.
  public func helper(calledBefore returnAddress: UInt64) -> String? {
    if let known = helpers[returnAddress] { return known }
    let found = ask(.helper) {
      $0.put(returnAddress)
    } read: { reader throws(WireReader.Damaged) in
      try reader.text(atMost: WireLimits.name)
    }
    helpers[returnAddress] = .some(found)
    return found
  }

  /// A method by the address of its MethodDesc.
  public func method(descriptor: UInt64) -> ManagedMethod? {
    if let known = descriptors[descriptor] { return known }
    let found = ask(.methodByDescriptor) { writer in
      writer.put(descriptor)
    } read: { reader throws(WireReader.Damaged) in
      try reader.method()
    }
    descriptors[descriptor] = .some(found)
    return found
  }

  /// The module that a method belongs to.
  public func module(of method: ManagedMethod) -> ManagedModule? {
    guard method.module != 0 else { return nil }
    // It takes code to learn the path: a method without any may have been the first to ask.
    if let known = modules[method.module],
      !known.path.isEmpty || method.start == 0 || located.contains(method.module)
    {
      return known
    }
    if method.start != 0 { located.insert(method.module) }
    let found = ask(.module) { writer in
      writer.put(method.module)
      writer.put(method.start)
    } read: { reader throws(WireReader.Damaged) in
      try reader.module()
    }
    if let found { modules[method.module] = found }
    return found
  }

  private func ask<T>(
    _ question: InspectorQuestion, _ arguments: (inout WireWriter) -> Void,
    read: (inout WireReader) throws(WireReader.Damaged) -> T
  ) -> T? {
    var writer = WireWriter()
    writer.put(question.rawValue)
    arguments(&writer)
    guard let answer = exchange(writer.bytes), !answer.isEmpty else { return nil }
    var reader = WireReader(answer[...])
    return try? read(&reader)
  }
}
