import Report

extension Page {
  mutating func addVerdict() {
    let crash = report.crash
    add(Line(0, [Span(crash.kind == .none ? .heading : .verdict, crash.summary)]))
    add(.blank)
    addField("what", [Span(.plain, Words.kind(crash.kind))])
    if let signal = crash.signal {
      addField("signal", [Span(.plain, Words.signal(signal, process: report.process.pid))])
    }
    addEvidence()
    addRuntimeMessage()
    if let survives = crash.survives {
      addField(
        "after", [Span(.warning, survives ? "the process goes on after this" : "the process ends")])
    }
    if !report.report.complete {
      addField("caution", [Span(.warning, "this report is partial; its end says what is missing")])
    }
  }

  /// Where else to look: what this version cannot read, the runtime has told already.
  mutating func addRuntimeMessage() {
    guard report.crash.kind == .abort, report.crash.signal?.code == nil, report.exception == nil,
      report.runtime != nil
    else { return }
    addField(
      "see",
      [Span(.plain, "what .NET printed on stderr just before: type, message and managed stack")])
  }

  mutating func addProcess() {
    let process = report.process
    addHeading("Process")
    var name = [Span(.heading, process.name ?? "?"), Span(.plain, ", pid \(process.pid)")]
    if let inner = process.namespacePID { name.append(Span(.plain, " (\(inner) inside)")) }
    if let parent = process.parentPID { name.append(Span(.detail, ", child of \(parent)")) }
    if let user = process.userID { name.append(Span(.detail, ", user \(user)")) }
    if process.isNamespaceInit == true {
      name.append(Span(.warning, ", init of its PID namespace"))
    }
    addField("name", name)
    if let arguments = process.arguments, !arguments.isEmpty {
      let shown = arguments.map { $0.isEmpty ? "''" : $0 }.joined(separator: " ")
      addField("command", [Span(.plain, shown, limit: options.allThreads ? 100_000 : 400)])
    } else if let executable = process.executable {
      addField("command", [Span(.plain, executable)])
    }
    if let uptime = process.uptimeSeconds {
      let since = process.startedAt.map { [Span(.detail, ", since \($0)")] } ?? []
      addField("up for", [Span(.plain, Words.duration(uptime))] + since)
    }
    if let runtime = report.runtime {
      var spans = [Span(.plain, [runtime.name, runtime.version ?? ""].joined(separator: " "))]
      if runtime.inspection != .ok {
        spans.append(
          Span(
            .warning,
            runtime.inspection == .unavailable
              ? ", managed code was not inspected"
              : ", managed code could not be inspected (\(runtime.inspection))"))
      }
      addField("runtime", spans)
    }
    addResources()
    if let service = process.service { addField("service", [Span(.plain, service.unit)]) }
    if let container = process.container, let id = container.id ?? container.cgroup {
      addField("container", [Span(.plain, id, limit: 80)])
    }
    if let host = report.host {
      addField(
        "host",
        [
          Span(.plain, host.name),
          Span(
            .detail,
            ", \(host.os), Linux \(host.kernel), \(host.architecture), "
              + "\(Words.many(host.cpus, "CPU")), \(Words.bytes(host.memoryBytes))"),
        ])
    }
  }
}
