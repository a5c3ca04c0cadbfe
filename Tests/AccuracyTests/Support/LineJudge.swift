import Report
import TestSupport

/// binutils' addr2line, asked where gdb and we name different lines of one address. gdb goes by the line
/// table's recommended breakpoints (is_stmt) only, and so by the line before where none is recommended.
struct LineJudge {
  private let modules: [ModuleRecord]

  init(_ modules: [ModuleRecord]) { self.modules = modules }

  /// True if addr2line has the same chain of files and lines as `ours`, innermost first.
  func agrees(with ours: [Frame]) throws -> Bool {
    guard let frame = ours.last, let index = frame.module, modules.indices.contains(index),
      let offset = frame.moduleOffset?.value
    else { return false }
    let module = modules[index]
    // A program that is not position-independent lies where it was linked.
    let isFixed = module.base.value < 0x1000_0000
    let address = (isFixed ? frame.ip.value : offset) - (frame.trust == .context ? 0 : 1)
    let text = try output(
      of: ["addr2line", "-i", "-e", module.path, "0x" + String(address, radix: 16)])
    let theirs = text.split(separator: "\n").map { line in
      // "/a/b.cpp:12 (discriminator 3)"
      line.prefix { $0 != " " }.split(separator: "/").last.map(String.init) ?? ""
    }
    return theirs == ours.map { Self.place($0.file, $0.line) }
  }

  /// `b.cpp:12`: paths are absolute for one tool and relative to the compiler's directory for another.
  static func place(_ file: String?, _ line: Int?) -> String {
    "\(file?.split(separator: "/").last ?? "??"):\(line.map(String.init) ?? "?")"
  }
}
