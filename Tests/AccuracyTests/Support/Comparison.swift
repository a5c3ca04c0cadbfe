import Report
import TestSupport

/// One place where we and gdb disagree.
struct Difference: Hashable, CustomStringConvertible {
  enum Kind: String { case missing, surplus, astray, name, inlining, line, judged }
  var kind: Kind
  var thread: String
  var theirs: String
  var ours: String

  var description: String { "\(kind.rawValue) in \(thread): gdb \(theirs), we \(ours)" }
}

/// Two tools' views of one process that does not move, thread by thread and frame by frame.
struct Comparison {
  /// gdb's frames, those that take room on the stack, down to where it has lost its way; and those of them
  /// that we have, with the same name.
  private(set) var physical = (all: 0, same: 0)
  /// gdb's frames, inlined and inferred ones included, where our report has lines and gdb is not known to be
  /// wrong; and those that have the same function, file and line.
  private(set) var sourceFrames = (all: 0, same: 0)
  private(set) var differences: [Difference] = []
  /// True once the report says lines of native code.
  private(set) var hasLines = false
  /// Mangled names of ours, as we demangled them.
  private(set) var spelled: [String: String] = [:]

  private var demangled: [String: String] = [:]
  private let report: Report
  private let judge: LineJudge

  init(_ report: Report, debugger: [Int: [DebuggerFrame]]) throws {
    self.report = report
    judge = LineJudge(report.modules)
    var raws = Set(debugger.values.joined().compactMap(\.raw))
    for frame in report.threads.flatMap(\.frames) {
      if frame.line != nil { hasLines = true }
      guard let raw = frame.rawFunction, let function = frame.function else { continue }
      let plain = String(raw.prefix { $0 != "@" })
      spelled[plain] = function
      raws.formUnion([plain, FunctionName.withoutClone(raw)])
    }
    demangled = try FunctionName.demangled(raws)
    for thread in report.threads {
      try compare(thread, debugger[thread.id] ?? [])
    }
    for id in debugger.keys where !report.threads.contains(where: { $0.id == id }) {
      differences.append(
        Difference(kind: .missing, thread: "\(id)", theirs: "a thread", ours: "none"))
    }
  }

  /// Names that c++filt writes otherwise, as "raw: ours, not c++filt's".
  var misspelled: [String] {
    spelled.compactMap { raw, ours in
      guard let theirs = demangled[raw], theirs != ours, theirs.utf8.count < 4000 else {
        return nil
      }
      return "\(raw): \(ours), not \(theirs)"
    }
  }

  /// A frame of ours with those that are inlined into it.
  private struct Group {
    var physical: Frame
    var inlined: [Frame] = []
  }

  private mutating func compare(_ thread: ThreadRecord, _ debugger: [DebuggerFrame]) throws {
    let ours = Self.groups(Self.unfolded(thread.frames))
    var theirs: [(physical: DebuggerFrame, inlined: [DebuggerFrame])] = []
    var pending: [DebuggerFrame] = []
    for frame in debugger {
      if frame.kind == "inlined" {
        pending.append(frame)
      } else if frame.isPhysical {
        theirs.append((frame, pending))
        pending = []
      } else if hasLines {
        sourceFrames.all += 1
      }
    }
    let change = ours.map(\.physical.ip.value).difference(from: theirs.map(\.physical.pc))
    var missing: Set<Int> = []
    var surplus: Set<Int> = []
    for step in change {
      switch step {
      case .remove(let offset, _, _): missing.insert(offset)
      case .insert(let offset, _, _): surplus.insert(offset)
      }
    }
    // Where gdb takes what is no code for a frame of which we know nothing, it has lost the stack.
    let end = missing.sorted().first { !isCode(theirs[$0].physical.pc) } ?? theirs.count
    let pairs = Array(
      zip(
        theirs.indices.filter { !missing.contains($0) },
        ours.indices.filter { !surplus.contains($0) }
      ))
    let isWhole = thread.complete || Self.endsInSwitch(thread)
    let ourEnd = pairs.last { $0.0 < end }.map { $0.1 + 1 } ?? 0
    for index in missing.sorted() {
      note(
        isWhole && index >= end ? .astray : .missing, thread, describe(theirs[index].physical),
        "nothing")
    }
    for index in surplus.sorted() {
      let isAstray = isWhole && end < theirs.count && index >= ourEnd
      note(isAstray ? .astray : .surplus, thread, "nothing", describe(ours[index].physical))
    }
    physical.all += theirs.indices.count { !isWhole || $0 < end || !missing.contains($0) }
    for (left, right) in pairs {
      let (one, other) = (theirs[left].physical, ours[right].physical)
      let hasSameName = isSame(one, other)
      if hasSameName {
        physical.same += 1
      } else {
        note(.name, thread, describe(one), describe(other))
      }
      if hasLines { try compareLines(theirs[left], ours[right], thread, isNamed: hasSameName) }
    }
    if hasLines {
      for index in missing where !isWhole || index < end {
        sourceFrames.all += 1 + theirs[index].inlined.count
      }
    }
  }

  /// Go's `mcall` has left a goroutine's stack for the thread's own and calls a function there that never
  /// returns to it: no return address lies above it, and its unwind information does not say so.
  static func endsInSwitch(_ thread: ThreadRecord) -> Bool {
    thread.frames.last { $0.function != nil }?.function == "runtime.mcall"
  }

  /// The frames of one address: those inlined, and the one that they are inlined into.
  private mutating func compareLines(
    _ theirs: (physical: DebuggerFrame, inlined: [DebuggerFrame]), _ ours: Group,
    _ thread: ThreadRecord, isNamed: Bool
  ) throws {
    let left = theirs.inlined + [theirs.physical]
    let right = ours.inlined + [ours.physical]
    // Nor does it know a line where it knows no function, which has been told.
    guard theirs.physical.raw != nil || ours.physical.function == nil else {
      sourceFrames.all += left.count
      return
    }
    func chain(_ frames: [String]) -> String { frames.joined(separator: " < ") }
    let (places, ourPlaces) = (
      left.map { LineJudge.place($0.file, $0.line) },
      right.map { LineJudge.place($0.file, $0.line) }
    )
    let isJudged = try places != ourPlaces && judge.agrees(with: right)
    if places != ourPlaces {
      note(isJudged ? .judged : .line, thread, chain(places), chain(ourPlaces))
    }
    guard left.count == right.count else {
      if !isJudged {
        sourceFrames.all += left.count
        note(.inlining, thread, chain(left.map(describe)), chain(right.map(describe)))
      }
      return
    }
    for index in left.indices where !isJudged || places[index] == ourPlaces[index] {
      sourceFrames.all += 1
      let isPhysical = index == left.count - 1
      let isSame = isPhysical ? isNamed : isSameInlined(left[index], right[index])
      if !isSame, !isPhysical {
        note(.inlining, thread, describe(left[index]), describe(right[index]))
      }
      if isSame, places[index] == ourPlaces[index] { sourceFrames.same += 1 }
    }
  }

  // MARK: Names

  private func isSame(_ one: DebuggerFrame, _ other: Frame) -> Bool {
    let ours = other.rawFunction ?? other.function
    guard let theirs = one.raw, let ours else { return one.raw == nil && ours == nil }
    let plain = FunctionName.withoutClone(ours)
    if theirs == ours || theirs == plain { return true }
    if FunctionName.isMangled(theirs) {
      // A constructor is there up to three times (C1, C2, C4), all one in the source.
      return FunctionName.isMangled(ours)
        && demangled[FunctionName.withoutClone(theirs)] == demangled[plain]
    }
    let start = other.ip.value &- (other.functionOffset?.value ?? 0)
    let isPart = plain != ours.prefix { $0 != "@" }
    guard one.start == start || isPart else { return false }
    // libc's functions have names for the inside as well: __GI_abort, __libc_pause. One address, one function.
    if !FunctionName.isMangled(ours), one.start == start,
      isOfLibc(other) || FunctionName.areAliases(theirs, ours)
    {
      return true
    }
    return FunctionName.base(theirs) == FunctionName.base(demangled[plain] ?? plain)
  }

  /// Of an inlined function there is nothing but its name.
  private func isSameInlined(_ one: DebuggerFrame, _ other: Frame) -> Bool {
    guard let theirs = one.raw, let function = other.function else { return false }
    if theirs == other.rawFunction || theirs == function { return true }
    if FunctionName.isMangled(theirs), let raw = other.rawFunction {
      return demangled[theirs] == demangled[FunctionName.withoutClone(raw)]
    }
    return FunctionName.base(demangled[theirs] ?? theirs) == FunctionName.base(function)
  }

  private func isOfLibc(_ frame: Frame) -> Bool {
    guard let index = frame.module, report.modules.indices.contains(index) else { return false }
    let name = report.modules[index].path.split(separator: "/").last ?? ""
    return name.hasPrefix("libc.so") || name.hasPrefix("ld-linux")
  }

  // MARK: Frames

  private func isCode(_ address: UInt64) -> Bool {
    report.memoryMap.contains {
      $0.permissions.contains("x") && $0.start.value <= address && address < $0.end.value
    }
  }

  /// A stack with every round of its recursion.
  static func unfolded(_ frames: [Frame]) -> [Frame] {
    var result: [Frame] = []
    var index = 0
    while index < frames.count {
      guard let fold = frames[index].repeated else {
        result.append(frames[index])
        index += 1
        continue
      }
      // Counted in frames that take room on the stack; inlined ones belong to the next of these.
      var end = index
      for _ in 0..<fold.frames {
        while end < frames.count, frames[end].kind == .inlined { end += 1 }
        end = min(end + 1, frames.count)
      }
      for _ in 0..<fold.times { result += frames[index..<end] }
      index = end
    }
    return result
  }

  private static func groups(_ frames: [Frame]) -> [Group] {
    var groups: [Group] = []
    var pending: [Frame] = []
    for frame in frames {
      if frame.kind == .inlined {
        pending.append(frame)
      } else {
        groups.append(Group(physical: frame, inlined: pending))
        pending = []
      }
    }
    return groups
  }

  private mutating func note(
    _ kind: Difference.Kind, _ thread: ThreadRecord, _ theirs: String, _ ours: String
  ) {
    differences.append(
      Difference(kind: kind, thread: thread.name ?? "\(thread.id)", theirs: theirs, ours: ours))
  }

  private func describe(_ frame: DebuggerFrame) -> String {
    "\(frame.raw ?? "??")\(frame.raw == nil ? " at 0x\(String(frame.pc, radix: 16))" : "")"
  }

  private func describe(_ frame: Frame) -> String {
    let isEntry = frame.functionOffset?.value == 0 && frame.trust != .context
    return
      "\(frame.rawFunction ?? frame.function ?? "??")\(isEntry ? " at its first byte" : "")\(frame.trust == .cfi ? "" : " by \(frame.trust.rawValue)")"
  }
}
