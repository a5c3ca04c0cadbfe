import Report

extension Page {
  /// Notes what the modules section will have to list for a frame.
  mutating func noteModule(_ frame: Frame) {
    // Code that was compiled at run time lies in no file, but its assembly does.
    if let index = assemblyModule(frame) { shownModules.insert(index) }
    guard let index = frame.module, report.modules.indices.contains(index),
      report.modules[index].kind != .jit
    else { return }
    shownModules.insert(index)
  }

  private func assemblyModule(_ frame: Frame) -> Int? {
    guard let managed = frame.managed, !managed.assembly.isEmpty else { return nil }
    let key = managed.mvid ?? managed.assembly
    return assemblies[key] ?? assemblies[managed.assembly]
  }

  /// A module of each assembly, by MVID and by name.
  static func assemblies(_ modules: [ModuleRecord]) -> [String: Int] {
    var result: [String: Int] = [:]
    for (index, module) in modules.enumerated() where module.kind == .pe {
      result[module.path.lastPathComponent] = index
      if let mvid = module.mvid { result[mvid] = index }
    }
    return result
  }

  mutating func addModules() {
    let shown = shownModules.map { report.modules[$0] }.sorted {
      ($0.base, $0.path) < ($1.base, $1.path)
    }
    // A file may be mapped more than once: an assembly flat and with its code, a library by two names.
    var order: [String] = []
    var byFile: [String: [ModuleRecord]] = [:]
    for module in shown {
      if byFile[module.path] == nil { order.append(module.path) }
      byFile[module.path, default: []].append(module)
    }
    guard !order.isEmpty else { return }
    addHeading("Modules", [Span(.detail, "  of the frames above")])
    for path in order { add(byFile[path] ?? []) }
  }

  /// The mappings of one file.
  private mutating func add(_ mappings: [ModuleRecord]) {
    guard let first = mappings.first else { return }
    var spans = [Span(.plain, first.path.lastPathComponent, limit: 200)]
    if let version = mappings.lazy.compactMap(\.version).first {
      spans.append(Span(.detail, "  " + version, limit: 60))
    }
    if mappings.contains(where: { $0.deleted == true }) {
      spans.append(Span(.warning, "  deleted or replaced since it was loaded"))
    }
    if let id = mappings.lazy.compactMap(\.buildID).first {
      spans += [Span(.plain, "  "), Span(.detail, "build-id \(id)", together: true, limit: 100)]
    } else if let mvid = mappings.lazy.compactMap(\.mvid).first {
      spans += [Span(.plain, "  "), Span(.detail, "mvid \(mvid)", together: true, limit: 100)]
    }
    add(Line(2, hang: 4, spans))
    var ranges: [String] = []
    for module in mappings where !ranges.contains("\(module.base)-\(module.end)") {
      ranges.append("\(module.base)-\(module.end)")
    }
    add(
      Line(
        4, hang: 6,
        ranges.prefix(4).map { Span(.detail, $0 + "  ", together: true) }
          + [Span(.detail, first.path, together: true, limit: 400)]))
  }
}
