// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A method's name reduced to what all ways of writing it have in common: `Type.Nested.Method`, without
/// arguments and without what generic ones were instantiated with.
///
///     printed by managed code   Shop.Basket`1.Line`1.Weigh[N](T fruit, N number)   Async.FetchAsync(Boolean b)
///     printed by the runtime    Shop.Basket`1+Line`1[[System.__Canon, …],[…]].Weigh(System.__Canon, Int32)
///     the DAC                   the same                                           Async+<FetchAsync>d__11.MoveNext()
struct MethodName: Equatable, CustomStringConvertible {
  var parts: [String]

  var description: String { parts.joined(separator: ".") }

  init(_ text: String) {
    var name = ""
    var (brackets, angles) = (0, 0)
    var rest: Substring = text[...]
    // Arguments begin at the first parenthesis; `+MoveNext` may come after them.
    if let open = text.firstIndex(of: "(") {
      let after = text[open...].range(of: ")", options: [.literal, .backwards])
      rest = text[..<open] + (after.map { text[$0.upperBound...] } ?? "")
    }
    for character in rest {
      switch character {
      case "[": brackets += 1
      case "]": brackets -= 1
      case _ where brackets > 0: break
      case "<":
        angles += 1
        name.append(character)
      case ">":
        angles -= 1
        name.append(character)
      case "+", ".":
        // Those inside of <…> belong to the name of one method.
        name.append(angles == 0 ? "\u{1}" : ".")
      default: name.append(character)
      }
    }
    // `..ctor` has a dot of its own.
    parts = name.replacingOccurrences(of: "\u{1}\u{1}", with: "\u{1}.").split(separator: "\u{1}")
      .map(String.init)
  }

  /// The method that a developer wrote, of a state machine's MoveNext: `Type.Method`.
  private var original: [[String]] {
    guard parts.count > 1, parts.last == "MoveNext", let machine = parts.dropLast().last,
      machine.hasPrefix("<")
    else { return [] }
    var depth = 0
    for index in machine.indices {
      if machine[index] == "<" { depth += 1 }
      if machine[index] == ">" { depth -= 1 }
      guard depth == 0 else { continue }
      let name = String(machine[machine.index(after: machine.startIndex)..<index])
      let method = Array(parts.dropLast(2)) + [name]
      return name.isEmpty ? [] : [method, method + ["MoveNext"]]
    }
    return []
  }

  /// The name of the method in whose source text this is, whatever the compiler has made of it: of
  /// `Shapes.<>c.<PlainLambda>b__2_0` PlainLambda, and the same of an iterator or an async method.
  var written: String? {
    let makers = parts.filter { $0.hasPrefix("<") && !$0.hasPrefix("<>") }
    guard let made = makers.last else {
      // The runtime's own state machine is generic, and is in a trace if a thread of the pool ran it.
      return parts.last { $0 != "MoveNext" }.map { String($0.prefix { $0 != "`" }) }
    }
    return made.drop { $0 == "<" }.split(separator: ">").first.map(String.init)
  }

  /// Whether a printed name is this one, which is the DAC's.
  func isPrinted(_ printed: MethodName) -> Bool {
    // A dynamic method is printed without a class.
    if parts.first == "DynamicClass", parts.dropFirst() == printed.parts[...] { return true }
    return printed.parts == parts || original.contains(printed.parts)
  }
}

extension JSON {
  var rawFunction: String? { self["raw_function"].text ?? self["function"].text }

  /// Whether this frame of a report is one that the runtime has printed.
  func isFrame(_ printed: RuntimeWords.Frame) -> Bool {
    guard let name = rawFunction, MethodName(name).isPrinted(MethodName(printed.method)) else {
      return false
    }
    guard let file = printed.file else { return true }
    return self["file"].text.map { same($0, file) } == true && self["line"].int == printed.line
  }
}

/// Equal to the byte. Swift calls strings equal that look the same.
func same(_ a: String, _ b: String) -> Bool { a.utf8.elementsEqual(b.utf8) }

/// Those of `printed` that are not in `frames`, in order.
func missing(_ printed: [RuntimeWords.Frame], in frames: [JSON]) -> [RuntimeWords.Frame] {
  var rest = frames[...]
  var result: [RuntimeWords.Frame] = []
  for frame in printed {
    if let index = rest.firstIndex(where: { $0.isFrame(frame) }) {
      rest = rest[(index + 1)...]
    } else {
      result.append(frame)
    }
  }
  return result
}

/// The frames of a stack as a test's message shows them.
func listing(_ frames: [JSON]) -> String {
  frames.map { frame in
    let source = frame["file"].text.map { " in \($0):line \(frame["line"].int ?? 0)" } ?? ""
    return (frame.rawFunction ?? "??") + source
  }.joined(separator: "\n")
}
