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
    addRuntimeMessage()
    if let survives = crash.survives {
      addField(
        "after", [Span(.warning, survives ? "the process goes on after this" : "the process ends")])
    }
    if !report.report.complete {
      addField("caution", [Span(.warning, "this report is partial; its end says what is missing")])
    }
  }

  mutating func addException() {
    guard let exception = report.exception else { return }
    addHeading("Exception")
    add(exception, depth: 0)
  }

  private mutating func add(_ exception: ManagedException, depth: Int) {
    // Inner exceptions nest as deep as a hostile file likes.
    guard depth < 16 else { return add(Line(2, .detail, "… more inner exceptions")) }
    let indent = 2 + 2 * min(depth, 4)
    let lead = depth == 0 ? [] : [Span(.plain, "caused by ")]
    add(
      Line(
        indent,
        lead + [
          Span(.verdict, exception.type), Span(.plain, "  "),
          Span(.detail, "HRESULT \(exception.hresult)", together: true),
        ]))
    // split, unlike `lines`, keeps no empty ones: a message of a million line feeds is cut short.
    let message = exception.message.split(whereSeparator: \.isNewline)
    for line in message.prefix(12) { add(Line(indent + 2, .plain, String(line))) }
    if message.count > 12 { add(Line(indent + 2, .detail, "… \(message.count - 12) more lines")) }
    // The crashed thread's stack says the same for the exception that ended the process.
    let repeatsThread =
      depth == 0
      && exception.frames.first?.ip == report.crashedThread?.frames.first?.ip
    if !repeatsThread || options.allThreads {
      addFrames(exception.frames, indent: indent + 2, style: .exception)
    }
    for inner in exception.inner { add(inner, depth: depth + 1) }
  }

  mutating func addDiagnoses() {
    guard !report.diagnoses.isEmpty else { return }
    addHeading("Diagnosis")
    let evidence = Evidence(of: report)
    for diagnosis in report.diagnoses {
      add(
        Line(
          2, hang: 4,
          [
            Span(.marker, "▸ "), Span(.heading, diagnosis.summary),
            Span(.detail, "  (\(diagnosis.rule), \(diagnosis.confidence) confidence)"),
          ]))
      if let detail = diagnosis.detail { add(Line(4, hang: 4, .plain, detail)) }
      for pointer in diagnosis.evidence {
        let value = evidence.value(at: pointer).map { " = \($0)" } ?? ""
        add(
          Line(4, hang: 6, [Span(.detail, "because "), Span(.detail, pointer + value, limit: 300)]))
      }
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
              ? ", managed code is not inspected by this version"
              : ", managed code could not be inspected (\(runtime.inspection))"))
      }
      addField("runtime", spans)
    }
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
