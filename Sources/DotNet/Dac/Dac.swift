import CDac
import Memory

/// The data access library, loaded into this process and pointed at another one.
///
/// Only the inspector makes one, and only once: the library cannot be unloaded, and keeps state of its own.
/// What it answers comes from the target's memory and may be anything.
final class Dac {
  let process: UnsafeMutableRawPointer
  let sos: UnsafeMutableRawPointer
  let sos2: UnsafeMutableRawPointer
  /// Pages are kept between flushes: the library reads words.
  let memory: PageCache
  /// What the compiler has left of each method's IL, by the start of its code: address and IL offset,
  /// ascending.
  var ilMaps: [UInt64: [(start: UInt64, offset: UInt32)]] = [:]
  /// Whether a type derives from System.Exception, by the address of its MethodTable.
  var exceptionTypes: [UInt64: Bool] = [:]
  /// Whether Monitor.Enter may have such explicit Frames, by the address of their table of virtual functions.
  var monitorFrames: [UInt64: Bool] = [:]
  /// The metadata of modules by the address of their Module.
  var metadata: [UInt64: MetadataReader] = [:]
  private let target: UnsafeMutablePointer<inquest_dac_target>

  /// - Parameters:
  ///   - path: of libmscordaccore.so; the version has been checked.
  ///   - runtimeBase: where libcoreclr.so lies in the target, an address.
  ///   - memory: the target's memory.
  ///   - isCore3: the runtime is .NET Core 3 or earlier.
  init(path: String, runtimeBase: UInt64, isCore3: Bool, memory: any MemorySource)
    throws(DacError)
  {
    self.isCore3 = isCore3
    // The library has a cache of its own, of several megabytes.
    let memory = PageCache(memory, slots: 64)
    self.memory = memory
    target = .allocate(capacity: 1)
    target.initialize(to: inquest_dac_target())
    target.pointee.runtime_base = runtimeBase
    let reader = Unmanaged.passRetained(Reader(memory))
    target.pointee.context = reader.toOpaque()
    target.pointee.read = { context, address, buffer, size in
      guard let context, let buffer else { return 0 }
      let reader = Unmanaged<Reader>.fromOpaque(context).takeUnretainedValue()
      return UInt32(
        reader.memory.read(
          address, into: UnsafeMutableRawBufferPointer(start: buffer, count: Int(size))))
    }
    target.pointee.thread_context = { context, thread, buffer, size in
      guard let context, let buffer else { return -1 }
      let reader = Unmanaged<Reader>.fromOpaque(context).takeUnretainedValue()
      guard let known = reader.contexts[thread] else { return -1 }
      for (index, byte) in known.prefix(Int(size)).enumerated() { buffer[index] = byte }
      return 0
    }
    var (process, sos): (UnsafeMutableRawPointer?, UnsafeMutableRawPointer?) = (nil, nil)
    var code: Int32 = 0
    var detail = [CChar](repeating: 0, count: 1024)
    let status = inquest_dac_load(path, target, &process, &sos, &code, &detail, detail.count)
    switch status {
    case INQUEST_DAC_OK: break
    case INQUEST_DAC_NO_ENTRY: throw .notLoadable("\(path) is no data access library")
    case INQUEST_DAC_REFUSED: throw .refused(code: UInt32(bitPattern: code))
    default:
      let words = detail.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
      throw .notLoadable(String(decoding: words, as: UTF8.self))
    }
    var sos2: UnsafeMutableRawPointer?
    guard let process, let sos,
      withUnsafePointer(
        to: INQUEST_IID_SOS2,
        { pointer in
          pointer.withMemoryRebound(to: UInt8.self, capacity: 16) {
            inquest_dac_query(sos, $0, &sos2)
          }
        }) == 0, let sos2
    else { throw .refused(code: 0) }
    (self.process, self.sos, self.sos2) = (process, sos, sos2)
    self.reader = reader.takeUnretainedValue()
  }

  private let reader: Reader
  let isCore3: Bool

  /// What the library's callbacks see.
  private final class Reader {
    let memory: any MemorySource
    var contexts: [UInt32: [UInt8]] = [:]
    init(_ memory: any MemorySource) { self.memory = memory }
  }

  /// Forgets what was read: the target has run since.
  func flush() {
    memory.forget()
    _ = inquest_dac_flush(process)
  }

  /// Registers of a thread, for what walks its stack; a CONTEXT, see `RegisterSet.context`.
  func setContext(_ bytes: [UInt8], thread: Int32) {
    reader.contexts[UInt32(bitPattern: thread)] = bytes
  }
}

extension Dac {
  /// UTF-16 units of a name, at most: generic instantiations get long.
  private static let nameLimit: UInt32 = 4096

  /// A text from a call that fills in a buffer and says how many units there are, the zero included.
  func text(_ call: (UInt32, UnsafeMutablePointer<UInt16>, inout UInt32) -> Int32) -> String? {
    var needed: UInt32 = 0
    var failed = false
    let units = [UInt16](unsafeUninitializedCapacity: Int(Self.nameLimit)) { buffer, filled in
      guard let base = buffer.baseAddress else { return }
      base.initialize(repeating: 0, count: buffer.count)
      failed = call(Self.nameLimit, base, &needed) < 0
      filled = buffer.count
    }
    guard !failed else { return nil }
    let text = String(decoding: units.prefix { $0 != 0 }, as: UTF16.self)
    return text.isEmpty ? nil : text
  }
}
