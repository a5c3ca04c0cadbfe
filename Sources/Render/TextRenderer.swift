public import Report

/// The default way to read a report: verdict first, then the evidence, in the order in which somebody
/// who was just woken up needs it. A pure function of the report and the options.
public struct TextRenderer: Sendable {
  public let options: TextOptions

  public init(options: TextOptions = TextOptions()) {
    self.options = options
  }

  /// The text, each line ended by a line feed. Nothing in it but the renderer's own colours can
  /// command a terminal, whatever the report holds.
  public func render(_ report: Report) -> String {
    var page = Page(report: report, options: options)
    page.addVerdict()
    page.addException()
    page.addDiagnoses()
    page.addProcess()
    page.addCrashedThread()
    page.addOtherThreads()
    page.addRegisters()
    page.addMemoryMap()
    page.addModules()
    page.addLimitations()
    page.addFooter()
    var text = ""
    for line in page.lines {
      line.write(to: &text, width: options.width, color: options.color)
    }
    return text
  }
}

/// The lines of a report as they come together; one extension per section.
struct Page {
  let report: Report
  let options: TextOptions
  var lines: [Line] = []
  /// Indices of the modules that some shown frame lies in.
  var shownModules: Set<Int> = []
  let assemblies: [String: Int]
  /// The source lines that were shown, and the files that cannot be.
  var shownSource: Set<String> = []
  /// Whether the crashed thread's frames stand for those of the exception.
  var threadShowsThrow = false

  init(report: Report, options: TextOptions) {
    self.report = report
    self.options = options
    assemblies = Self.assemblies(report.modules)
  }

  mutating func add(_ line: Line) {
    lines.append(line)
  }

  mutating func addHeading(_ text: String, _ details: [Span] = []) {
    lines.append(.blank)
    lines.append(Line(0, [Span(.heading, text)] + details))
  }

  /// A word on the left, what it stands for on the right.
  mutating func addField(_ name: String, _ spans: [Span]) {
    let label = name + String(repeating: " ", count: max(1, 10 - name.count))
    lines.append(Line(2, hang: 12, [Span(.detail, label)] + spans))
  }

  func module(_ frame: Frame) -> ModuleRecord? {
    // The index comes from a file, which may be anybody's.
    frame.module.flatMap { report.modules.indices.contains($0) ? report.modules[$0] : nil }
  }
}
