import Diagnosis
import Inferior
import Report

/// Gathers facts as they arrive and writes the report from whatever has arrived.
///
/// Values stay the bytes that the worker sent; a later fact replaces an earlier one of the same name.
struct ReportAssembler {
  private(set) var summary: String
  private(set) var processName: String?
  private(set) var redacted: [String] = []
  /// Milliseconds; nil when no worker came to tell. Two freezes add up.
  private(set) var frozen: Double?
  private(set) var stages: [ReportInfo.Timing.Stage] = []
  /// The stage that has begun and not ended: where a worker that died was.
  private(set) var currentStage: String?
  private var stageBegan = Instant.now
  private(set) var isDone = false
  /// Done, and the worker says that nothing is missing.
  private(set) var isWhole = false
  private(set) var refusal: (status: Int32, line: String)?
  private var values: [String: [UInt8]] = [:]
  private var threadOrder: [UInt32] = []
  private var listed: Set<UInt32> = []
  /// Threads that a worker has found, in its order: of many it tells late.
  private var announced: [UInt32] = []
  private enum ThreadText {
    case own([UInt8])
    /// With a comma before it.
    case spooled(ThreadSpool, Range<Int>)
  }

  private var threads: [UInt32: ThreadText] = [:]
  /// Where the worker that there is now leaves its threads.
  private var spool: ThreadSpool?
  private var limitations: [[UInt8]] = []
  private let request: CaptureRequest

  init(request: CaptureRequest) {
    self.request = request
    summary = request.announcedCrash.summary
  }

  /// Takes down what is known without looking at the process; a worker may be doing that meanwhile.
  mutating func announce() {
    guard values.isEmpty else { return }
    let crash = request.announcedCrash
    values["crash"] = JSONStream.encode(crash)
    let signature = CrashSignature.signature(crash, thread: nil, modules: [])
    values["signature"] = JSONStream.encode(signature)
    values["host"] = JSONStream.encode(HostFacts.read())
    values["process"] = JSONStream.encode(ProcessRecord(pid: Int(request.pid)))
  }

  mutating func accept(_ kind: FactKind, _ payload: [UInt8]) {
    switch kind {
    case .stage:
      currentStage = String(decoding: payload, as: UTF8.self)
      stageBegan = .now
    case .stageEnd:
      if let name = currentStage, let ms = Self.milliseconds(payload) { note(name, ms) }
      currentStage = nil
    case .value:
      guard let zero = payload.firstIndex(of: 0) else { return }
      values[String(decoding: payload[..<zero], as: UTF8.self)] = Array(payload[(zero + 1)...])
    case .thread:
      guard payload.count > 4 else { return }
      list(Self.number(payload), .own(Array(payload.dropFirst(4))))
    case .spooledThread:
      guard payload.count == 20, let spool else { return }
      let (start, count) = (Self.longNumber(payload[4...]), Self.longNumber(payload[12...]))
      let end = start.addingReportingOverflow(count)
      // A comma at least. What is not there is a thread that is missing.
      guard count > 1, !end.overflow, let range = Self.range(start, end.partialValue),
        spool.holds(range)
      else { return }
      list(Self.number(payload), .spooled(spool, range))
    case .threads:
      announced = stride(from: 0, to: payload.count - payload.count % 4, by: 4).map {
        Self.number(payload[$0...])
      }
    case .limitation: add(limitation: payload)
    case .summary: summary = String(decoding: payload, as: UTF8.self)
    case .name: processName = String(decoding: payload, as: UTF8.self)
    case .redacted:
      // A second worker repeats what the first one said.
      for pointer in String(decoding: payload, as: UTF8.self).split(separator: "\n").map(
        String.init)
      where !redacted.contains(pointer) {
        redacted.append(pointer)
      }
    case .frozen:
      if let milliseconds = Self.milliseconds(payload) { frozen = (frozen ?? 0) + milliseconds }
    case .refused:
      guard let status = payload.first else { return }
      refusal = (Int32(status), String(decoding: payload.dropFirst(), as: UTF8.self))
    case .done: (isDone, isWhole) = (true, payload.isEmpty)
    }
  }

  private mutating func list(_ id: UInt32, _ text: ThreadText) {
    // Not by `threads`: those that an earlier worker told of have their place in the last one's order.
    if listed.insert(id).inserted { threadOrder.append(id) }
    threads[id] = text
  }

  /// A stage that runs twice is one stage that took longer.
  private mutating func note(_ stage: String, _ milliseconds: Double) {
    if let index = stages.firstIndex(where: { $0.name == stage }) {
      stages[index].ms += milliseconds
    } else {
      stages.append(ReportInfo.Timing.Stage(name: stage, ms: milliseconds))
    }
  }

  mutating func add(_ limitation: Limitation) {
    add(limitation: JSONStream.encode(limitation))
  }

  /// Nobody could look at the process: what the runtime announced is all there is.
  mutating func noteUnexamined(_ reason: String) {
    var crash = request.announcedCrash
    crash.summary += "; it could not be examined: \(reason)"
    summary = crash.summary
    values["crash"] = JSONStream.encode(crash)
  }

  /// A second worker repeats what the first one said.
  private mutating func add(limitation: [UInt8]) {
    if !limitations.contains(limitation) { limitations.append(limitation) }
  }

  /// Threads that no worker lived to tell of.
  var missingThreads: Int { announced.count { threads[$0] == nil } }

  /// A worker that died in the middle of the freeze never came to tell how long it was: at most since the
  /// stage began.
  mutating func noteDeathInFreeze() {
    frozen = (frozen ?? 0) + Instant.now.milliseconds(since: stageBegan)
  }

  /// A new worker begins after one that died: it has not said its last word.
  ///
  /// - Parameter spool: where it leaves its threads.
  mutating func restart(spool: ThreadSpool? = nil) {
    self.spool = spool
    currentStage = nil
    (isDone, isWhole) = (false, false)
    refusal = nil
    threadOrder.removeAll()
    listed.removeAll()
  }

  /// The report as JSON, keys in their documented order.
  ///
  /// Threads that only an earlier, dead worker told of are kept, after those of the last one.
  func json(_ info: ReportInfo) -> ReportText {
    var text = ReportText()
    var separator = "{"
    for key in Report.keys {
      let items: [[UInt8]]
      switch key {
      case "schema": items = [JSONStream.encode(SchemaID())]
      case "report": items = [JSONStream.encode(info)]
      case "threads": items = []
      case "limitations": items = limitations
      case "extensions": items = [JSONStream.encode(Extensions())]
      default: items = values[key].map { [$0] } ?? []
      }
      let isList = ["threads", "limitations"].contains(key)
      let isRequired = ["diagnoses", "modules", "memory_map", "memory"].contains(key)
      if items.isEmpty, !isList, !isRequired { continue }
      text.append(separator.utf8)
      separator = ","
      text.append(JSONStream.encode(key) + [UInt8(ascii: ":")])
      if isList || items.isEmpty { text.append("[".utf8) }
      if key == "threads" { appendThreads(to: &text) }
      for (index, item) in items.enumerated() {
        if index > 0 { text.append(",".utf8) }
        text.append(item)
      }
      if isList || items.isEmpty { text.append("]".utf8) }
    }
    text.append("}\n".utf8)
    return text
  }

  private func appendThreads(to text: inout ReportText) {
    // The worker's own order, then those that it did not announce, then those of workers before it.
    let listedThere = Set(announced)
    let rest = threads.keys.filter { !listed.contains($0) }.sorted()
    let order =
      announced.filter(listed.contains) + threadOrder.filter { !listedThere.contains($0) } + rest
    for (index, thread) in order.compactMap({ threads[$0] }).enumerated() {
      switch thread {
      case .own(let bytes):
        if index > 0 { text.append(",".utf8) }
        text.append(bytes)
      case .spooled(let spool, let range):
        text.append(spool, index > 0 ? range : range.dropFirst())
      }
    }
  }

  private static func number(_ payload: some BidirectionalCollection<UInt8>) -> UInt32 {
    payload.prefix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }

  private static func longNumber(_ payload: some BidirectionalCollection<UInt8>) -> UInt64 {
    payload.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  private static func range(_ start: UInt64, _ end: UInt64) -> Range<Int>? {
    Int(exactly: end).map { Int(start)..<$0 }
  }

  private static func milliseconds(_ payload: [UInt8]) -> Double? {
    guard payload.count == 8 else { return nil }
    return Double(bitPattern: longNumber(payload))
  }
}
