extension String {
  /// The text as a terminal may safely get it, on one line.
  ///
  /// Names and messages come from a process that may be hostile: control characters would move the
  /// cursor or worse (field bug 26), and invisible format characters such as U+202E would show
  /// something else than what is there.
  ///
  /// - Parameter limit: how many characters are kept; a message may have a megabyte.
  func harmless(limit: Int = 4000) -> String {
    var result = ""
    var count = 0
    for scalar in unicodeScalars {
      count += 1
      guard count <= limit else { return result + "…" }
      switch scalar {
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case " "..."~": result.unicodeScalars.append(scalar)
      default:
        if scalar.isDeceptive {
          result += "\\u{" + String(scalar.value, radix: 16) + "}"
        } else {
          result.unicodeScalars.append(scalar)
        }
      }
    }
    return result
  }

  /// How many terminal columns the text takes.
  var columns: Int {
    if utf8.allSatisfy({ $0 < 0x80 }) { return utf8.count }
    return reduce(0) { $0 + $1.columns }
  }

  /// The last component of a path, with either slash: PDBs keep Windows paths.
  var lastPathComponent: String {
    guard let slash = lastIndex(where: { $0 == "/" || $0 == "\\" }) else { return self }
    let name = self[index(after: slash)...]
    return name.isEmpty ? self : String(name)
  }
}

extension Character {
  var columns: Int {
    guard let scalar = unicodeScalars.first else { return 0 }
    return switch scalar.value {
    // East Asian wide and emoji, roughly: a wrapped line is at stake, no more.
    case 0x1100...0x115f, 0x2e80...0xa4cf, 0xac00...0xd7a3, 0xf900...0xfaff, 0xfe30...0xfe6f,
      0xff00...0xff60, 0xffe0...0xffe6, 0x1f300...0x1faff, 0x20000...0x3fffd:
      2
    default: 1
    }
  }
}

extension Unicode.Scalar {
  /// Has no shape of its own, and so can hide, reorder or command.
  fileprivate var isDeceptive: Bool {
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse,
      .unassigned:
      true
    default: properties.isDefaultIgnorableCodePoint
    }
  }
}

/// For other lines than a report's that quote untrusted text.
public enum Terminal {
  /// `text` on one line, with control and invisible characters shown instead of sent.
  public static func harmless(_ text: String) -> String {
    text.harmless()
  }
}
