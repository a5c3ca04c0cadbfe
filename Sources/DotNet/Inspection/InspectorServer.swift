public import Memory

/// What the worker may ask. One question, one answer, in turn.
enum InspectorQuestion: UInt64 {
  case threads, exception, failFast, monitors, method, methodByDescriptor, module, helper, typeName
}

/// The inspector's side: answers questions about the target with the help of the DAC.
public struct InspectorServer {
  private let dac: Dac

  /// - Throws: ``DacError``. The library is loaded into this process for good.
  public init(path: String, runtimeBase: UInt64, version: RuntimeVersion, memory: any MemorySource)
    throws(DacError)
  {
    dac = try Dac(
      path: path, runtimeBase: runtimeBase, isCore3: version.isCore3OrEarlier, memory: memory)
  }

  /// True for what is asked while the process stands still.
  public static func isUrgent(_ question: [UInt8]) -> Bool {
    var reader = WireReader(question[...])
    let kind = (try? reader.word()).flatMap(InspectorQuestion.init)
    return kind == .threads || kind == .exception || kind == .failFast || kind == .monitors
  }

  /// What a question is about, for people: `reading threads`.
  public static func name(of question: [UInt8]) -> String {
    var reader = WireReader(question[...])
    guard let kind = (try? reader.word()).flatMap(InspectorQuestion.init) else { return "waiting" }
    switch kind {
    case .threads: return "listing the runtime's threads"
    case .exception: return "reading the exception"
    case .failFast: return "reading FailFast's message"
    case .monitors: return "listing the locks"
    case .method, .methodByDescriptor:
      let address = (try? reader.word()) ?? 0
      return "naming the code at 0x" + String(address, radix: 16)
    case .typeName: return "naming a type"
    case .helper: return "naming a helper of the runtime"
    case .module: return "reading a module"
    }
  }

  /// What a report lacks when a question stays without an answer, for people.
  public static func cost(of question: [UInt8]) -> String {
    var reader = WireReader(question[...])
    guard let kind = (try? reader.word()).flatMap(InspectorQuestion.init) else { return "" }
    switch kind {
    case .threads: return "no thread has its managed id, nor the type of the exception on it"
    case .exception: return "the exception is unknown; the stacks are not"
    case .failFast: return "what FailFast was told is unknown; the stacks are not"
    case .monitors: return "who holds the locks that threads wait for is unknown"
    case .method, .methodByDescriptor: return "frames there have no name"
    case .typeName: return "the type of the exception on some threads is unknown"
    case .helper: return "which function of the runtime a frame is, is unknown"
    case .module: return "its methods have no assembly and no source lines"
    }
  }

  /// - Parameter strike: called with each question's name: tests make the inspector die there.
  /// - Returns: the answer; empty when there is none.
  public func answer(_ question: [UInt8], strike: (String) -> Void) -> [UInt8] {
    var reader = WireReader(question[...])
    var writer = WireWriter()
    guard let kind = (try? reader.word()).flatMap(InspectorQuestion.init) else { return [] }
    strike("\(kind)")
    do throws(WireReader.Damaged) {
      switch kind {
      case .threads:
        // Everything was read before the process stood still, if at all.
        dac.flush()
        let crashed = Int32(truncatingIfNeeded: try reader.int())
        writer.put(dac.threads(crashed: crashed)) { $0.put($1) }
      case .exception:
        let thread = Int32(truncatingIfNeeded: try reader.int())
        guard let object = dac.exceptionObject(thread: thread),
          let exception = dac.exception(at: object)
        else { return [] }
        writer.put(exception)
      case .failFast:
        let thread = Int32(truncatingIfNeeded: try reader.int())
        let frame = try reader.word()
        dac.setContext(try reader.block(atMost: 4096), thread: thread)
        writer.put(dac.failFast(thread: thread, frame: frame))
      case .monitors:
        writer.put(dac.contendedMonitors())
      case .method:
        let address = try reader.word()
        if try reader.flag() { dac.flush() }
        guard let method = dac.method(at: address) else { return [] }
        writer.put(method)
      case .methodByDescriptor:
        guard let method = dac.method(descriptor: try reader.word()) else { return [] }
        writer.put(method)
      case .typeName:
        guard let name = dac.typeName(try reader.word()) else { return [] }
        writer.put(name)
      case .helper:
        guard let name = dac.helper(calledBefore: try reader.word()) else { return [] }
        writer.put(name)
      case .module:
        let address = try reader.word()
        guard var module = dac.module(at: address) else { return [] }
        dac.complete(&module, codeAddress: try reader.word())
        writer.put(module)
      }
    } catch {
      return []
    }
    return writer.bytes
  }
}
