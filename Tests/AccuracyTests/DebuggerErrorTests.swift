import Report
import TestSupport
import Testing

/// Where gdb is wrong, or says what no stack holds: the differences that `Explanation` lets pass, each
/// judged by a third party. And where it might be thought to be.
@Suite(.timeLimit(.minutes(5))) struct DebuggerErrorTests {
  private static let program = "gcc-O2"

  private struct View {
    var report: Report
    var debugger: [Int: [DebuggerFrame]]
    var elfutils: String

    init() throws {
      let fixture = try Fixture(words: [Places.accuracy(DebuggerErrorTests.program)])
      guard eventually(10, { fixture.states.values.allSatisfy { $0 == "S" } }) else {
        throw TestFailure("it does not come to rest: \(fixture.states)")
      }
      report = try Captured(fixture.pid).report
      debugger = try debuggerFrames(fixture.pid)
      // It fails when it cannot walk a stack to its end.
      elfutils = try run(["eu-stack", "-n", "0", "-p", "\(fixture.pid)"]).text
    }

    func thread(_ name: String) throws -> (ours: ThreadRecord, theirs: [DebuggerFrame]) {
      let thread = try #require(report.threads.first { $0.name == name })
      return (thread, debugger[thread.id] ?? [])
    }
  }

  private static let view = Result { try View() }

  /// What addr2line calls the function at an address of the program, given as an offset.
  private func addr2line(_ offset: UInt64) throws -> String {
    let path = try Places.accuracy(Self.program)
    let place = try output(of: ["addr2line", "-f", "-e", path, "0x" + String(offset, radix: 16)])
    return place.split(separator: "\n").first.map(String.init) ?? ""
  }

  private func offset(_ frame: Frame) throws -> UInt64 { try #require(frame.moduleOffset).value }

  /// makecontext's stack: gdb goes on with what is no code.
  @Test func aStackOfItsOwnEndsWhereItWasMade() throws {
    let (ours, theirs) = try Self.view.get().thread("own-stack")
    // Of libc's own functions only debug information knows some.
    #expect(ours.complete && ["__start_context", "?"].contains(ours.functions.last))
    #expect(ours.functions.dropLast().last == "on_own_stack()")
    let code = try Self.view.get().report.memoryMap.filter { $0.permissions.contains("x") }
    let phantoms = theirs.filter { frame in
      !code.contains { $0.start.value <= frame.pc && frame.pc < $0.end.value }
    }
    #expect(phantoms.count == theirs.count - ours.frames.count)
    #expect(!phantoms.isEmpty)
  }

  /// gcc 12 describes no function where a coroutine's body is.
  @Test func aCoroutinesBodyIsItsOwn() throws {
    let (ours, theirs) = try Self.view.get().thread("coroutine")
    let body = try #require(ours.frames.first { $0.rawFunction?.hasSuffix(".actor") == true })
    #expect(theirs.first { $0.pc == body.ip.value && $0.isPhysical }?.name == "coroutine")
    #expect(try addr2line(offset(body) - 1) == body.rawFunction)
  }

  /// gdb infers from the debug information which functions must have jumped to their callees. They are on no
  /// stack, so that we do not list them; all else around them is alike.
  @Test func aTailCallLeavesNoFrame() throws {
    let (ours, theirs) = try Self.view.get().thread("tail-calls")
    let inferred = theirs.filter { $0.kind == "tail_call" }.compactMap(\.name)
    #expect(inferred == ["tail", "jump"])
    #expect(
      theirs.filter(\.isPhysical).map(\.pc) == ours.frames.filter(\.isPhysical).map(\.ip.value))
    #expect(!ours.functions.contains { $0.hasPrefix("jump(") || $0.hasPrefix("tail(") })
  }

  /// gdb 13 knows that a call through NULL has only pushed its return address; eu-stack does not.
  @Test func aCallThroughNullKeepsItsCaller() throws {
    let (ours, theirs) = try Self.view.get().thread("null-call")
    let null = try #require(ours.frames.firstIndex { $0.ip.value == 0 })
    #expect(ours.frames[null + 1].function == "calls_null()")
    #expect(ours.complete)
    #expect(
      theirs.filter(\.isPhysical).map(\.pc) == ours.frames.filter(\.isPhysical).map(\.ip.value))
    #expect(try !Self.view.get().elfutils.contains("calls_null"))
  }

  /// A call that never returns may be a function's last instruction: what it would return to lies behind the
  /// function's end. gdb and we look one byte earlier.
  @Test func aCallAtAFunctionsEndBelongsToIt() throws {
    let (ours, theirs) = try Self.view.get().thread("noreturn")
    let sizes = try sizesOfFunctions()
    var atTheEnd = 0
    for name in ["give_up", "fail", "check"] {
      let frame = try #require(ours.frames.first { $0.function?.hasPrefix(name + "(") == true })
      #expect(theirs.contains { $0.pc == frame.ip.value && $0.name == name })
      #expect(try addr2line(offset(frame) - 1) == frame.rawFunction)
      if frame.functionOffset?.value == sizes[frame.rawFunction ?? ""] { atTheEnd += 1 }
    }
    #expect(atTheEnd >= 2)
  }

  private func sizesOfFunctions() throws -> [String: UInt64] {
    let table = try output(of: ["nm", "-S", Places.accuracy(Self.program)])
    var sizes: [String: UInt64] = [:]
    for line in table.split(separator: "\n") {
      let words = line.split(separator: " ")
      if words.count == 4 { sizes[String(words[3])] = UInt64(words[1], radix: 16) }
    }
    return sizes
  }
}

extension Frame {
  /// One that takes room on the stack.
  var isPhysical: Bool { kind != .inlined }
}
