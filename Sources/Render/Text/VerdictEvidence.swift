import Report

extension Page {
  /// What was read to explain the crash, as far as it says more than the summary.
  mutating func addEvidence() {
    let crash = report.crash
    addSignalDetails(crash.signal)
    if let message = crash.message { addField("message", [Span(.plain, message, limit: 1000)]) }
    if let thrown = crash.thrown {
      let message = thrown.message.map { [Span(.plain, ": \($0)", limit: 1000)] } ?? []
      addField("thrown", [Span(.heading, thrown.type, limit: 1000)] + message)
    }
    if let instruction = crash.instruction { addInstruction(instruction) }
  }

  private mutating func addSignalDetails(_ signal: SignalRecord?) {
    if let sender = signal?.sender, let name = sender.name, sender.pid != report.process.pid {
      let command = sender.command.map { [Span(.detail, ", \($0)", limit: 400)] } ?? []
      addField("sender", [Span(.plain, name, limit: 80)] + command)
    }
    if let call = signal?.systemCall {
      addField(
        "call",
        [Span(.plain, call.name.map { "\($0) (\(call.number))" } ?? "number \(call.number)")])
    }
  }

  private mutating func addInstruction(_ instruction: InstructionRecord) {
    let code = instruction.text ?? "bytes \(instruction.bytes)"
    addField(
      "executed",
      [Span(.function, code, limit: 200), Span(.detail, "  at \(instruction.address)")])
    for operand in (instruction.operands ?? []).prefix(4) {
      guard let address = operand.address else { continue }
      let access =
        switch operand.access {
        case "read": "reads "
        case "write": "writes "
        case "read_write": "reads and writes "
        default: ""
        }
      let size = operand.size.map { Words.many($0, "byte") + " at " } ?? ""
      let hit = address == report.crash.signal?.address
      addField(
        "", [Span(.detail, "\(access)\(size)"), Span(hit ? .verdict : .plain, "\(address)")])
    }
  }

  /// What the process uses of what it may use.
  mutating func addResources() {
    let process = report.process
    var parts: [String] = []
    if let count = process.openFiles {
      let limit = process.limits?.openFiles.map { " of \($0)" } ?? ""
      parts.append("\(count)\(limit) open files")
    }
    if let memory = process.memory {
      if let size = memory.residentBytes { parts.append("\(Words.bytes(size)) resident") }
      if let limit = memory.groupLimitBytes {
        let use = memory.groupBytes.map { "\(Words.bytes($0)) of " } ?? "at most "
        parts.append("its control group \(use)\(Words.bytes(limit))")
      }
      if let kills = memory.groupKills, kills > 0 {
        parts.append("\(Words.many(kills, "kill")) there for want of memory")
      }
    }
    if !parts.isEmpty { addField("uses", [Span(.plain, parts.joined(separator: ", "))]) }
  }
}
