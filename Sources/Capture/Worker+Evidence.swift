import CLinux
import Diagnosis
import Inferior
import Memory
import Report
import Symbols
import Unwinding

/// The stage that reads what explains a crash.
extension Worker {
  /// What a signal says besides its number: whoever sent it may be gone soon.
  func lookUpSignal(
    _ examination: inout Examination, _ walks: [Walk], _ directory: borrowing ProcessDirectory
  ) {
    guard let index = examination.crashed else { return }
    let builder = examination.builder(symbols: [:], isNamed: false)
    guard let signal = builder.uncaught(in: walks[index]).first(where: { $0.number != 0 }) else {
      return
    }
    if let call = signal.systemCall, signal.code > 0 {
      examination.evidence.systemCall = SignalRecord.SystemCall(
        number: Int(call.number),
        name: SystemCallNames.name(Int(call.number), architecture: call.architecture))
    }
    // SI_USER, SI_QUEUE, SI_MESGQ, SI_TKILL: what has a sender (sigaction(2)).
    // A process that sends itself a signal, as abort() does, is in the report anyway.
    guard [0, -1, -3, -6].contains(signal.code), signal.senderPID != request.pid,
      let (sender, isRedacted) = SignalSender.find(
        pid: signal.senderPID, userID: signal.senderUID, target: directory)
    else { return }
    examination.evidence.sender = sender
    if isRedacted { facts.send(.redacted, "/crash/signal/sender/command") }
  }

  /// - Returns: whether anything was found that belongs to the verdict.
  func gatherEvidence(
    _ examination: inout Examination, _ walks: [Walk], symbols: [UInt64: Symbol],
    _ symbolizer: Symbolizer
  ) -> Bool {
    let start = begin(.evidence)
    defer { end(start) }
    guard !skipped.contains(.evidence), let index = examination.crashed else { return false }
    let builder = examination.builder(symbols: symbols)
    let walk = walks[index]
    let cause = builder.cause(in: walk)
    examination.evidence.raisedAgain = cause.flatMap { faultBefore($0, examination, thread: index) }
    let fault = examination.evidence.raisedAgain ?? cause.flatMap { Self.isFault($0) ? $0 : nil }
    if let fault { tellMemory(fault, &examination, thread: index) }
    let crash = CrashVerdict.crash(examination.crashFacts(walks: walks, builder: builder))
    if crash.kind == .abort, crash.signal?.name == "SIGABRT" {
      examination.evidence.message = AbortMessage.read(
        examination.images, memory: examination.frozen.memory, address: symbolizer.address)
    }
    if [.abort, .nativeFault].contains(crash.kind),
      let first = builder.fault(in: walk, thread: examination.frozen.threads[index].id)
    {
      examination.evidence.thrown = thrown(walk.steps[first...], examination, symbols, symbolizer)
    }
    if let fault { disassemble(fault, &examination, thread: index) }
    return !examination.evidence.isEmpty
  }

  /// Whether an instruction is to blame for a signal. One of which only the registers are known came of a fault.
  private static func isFault(_ signal: SignalContext) -> Bool {
    signal.number == 0 || signal.code > 0 && SignalNames.isFault(Int(signal.number))
  }

  /// The fault after which a handler of the program's own has raised the signal again, if the instruction that
  /// was interrupted proves that it was there.
  private func faultBefore(
    _ signal: SignalContext, _ examination: Examination, thread index: Int
  ) -> SignalContext? {
    guard examination.runtime == nil,
      signal.senderPID == request.pid
        || Int(signal.senderPID) == examination.process.namespacePID,
      let fault = signal.faultBefore
    else { return nil }
    // Where the jump went that faulted there is nothing to take apart.
    let segmentationFault: Int32 = 11
    if fault.number == segmentationFault, fault.address == fault.registers.instructionPointer {
      return fault
    }
    guard
      let instruction = FaultInstruction.read(
        registers(fault, examination, thread: index), signal: (fault.number, fault.code),
        memory: examination.frozen.memory, mappings: examination.frozen.mappings)
    else { return nil }
    return FaultInstruction.proves(fault, instruction) ? fault : nil
  }

  private func registers(
    _ fault: SignalContext, _ examination: Examination, thread index: Int
  ) -> RegisterSet {
    let now = examination.frozen.threads[index].registers
    return now.map { fault.registers.withBases(of: $0) } ?? fault.registers
  }

  private func tellMemory(
    _ fault: SignalContext, _ examination: inout Examination, thread index: Int
  ) {
    let fromKernel: Int32 = 128
    let isAddressed = fault.number != 0 && fault.code != fromKernel
    let nearby = NearbyMemory(
      examination.frozen.memory, mappings: examination.frozen.mappings,
      registers: registers(fault, examination, thread: index),
      fault: isAddressed ? fault.address : nil)
    examination.evidence.memory = nearby.records
    send("memory", nearby.records)
  }

  private func disassemble(
    _ fault: SignalContext, _ examination: inout Examination, thread index: Int
  ) {
    // Capstone's 5 MB are for a moment on top of what we have: that much of it is code that has run.
    inquest_drop_code()
    examination.evidence.instruction = FaultInstruction.read(
      registers(fault, examination, thread: index), signal: (fault.number, fault.code),
      memory: examination.frozen.memory, mappings: examination.frozen.mappings)
  }

  private func thrown(
    _ steps: ArraySlice<Walk.Step>, _ examination: Examination, _ symbols: [UInt64: Symbol],
    _ symbolizer: Symbolizer
  ) -> Thrown? {
    let search = ThrownException(
      memory: examination.frozen.memory, mappings: examination.frozen.mappings,
      images: examination.images,
      function: { address in
        symbolizer.resolve([address], in: examination.images, isPastDeadline: { false })
          .symbols[address]?.name
      })
    return search.find(steps, names: steps.map { symbols[$0.lookupAddress]?.name })
  }
}
