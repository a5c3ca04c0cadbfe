#if arch(x86_64)
  import Foundation
  import Memory
  import TestSupport
  import Testing

  @testable import Unwinding

  /// Functions with the unwind information that clang makes of `.seh_` directives, against what the
  /// processor does with them: gdb steps through each, and from every single instruction the unwinder has to
  /// find the registers that the caller had.
  @Suite struct ManagedTruthTests {
    /// Prologs and epilogs in the ways in which the .NET runtime writes them. `.seh_` is left out for gdb.
    private static let functions = [
      "no_frame": """
        incq %rax
        ret
      """,
      "pushes": """
        pushq %r15
        .seh_pushreg %r15
        pushq %r12
        .seh_pushreg %r12
        pushq %rbx
        .seh_pushreg %rbx
        subq $0x20, %rsp
        .seh_stackalloc 0x20
        .seh_endprologue
        movq $1, %r15
        movq $2, %r12
        movq $3, %rbx
        incq %rbx
        addq $0x20, %rsp
        popq %rbx
        popq %r12
        popq %r15
        ret
      """,
      "frame_register": """
        pushq %rbp
        .seh_pushreg %rbp
        pushq %r14
        .seh_pushreg %r14
        pushq %rbx
        .seh_pushreg %rbx
        subq $0x200, %rsp
        .seh_stackalloc 0x200
        leaq 0x80(%rsp), %rbp
        .seh_setframe %rbp, 0x80
        movq %r13, 0x18(%rsp)
        .seh_savereg %r13, 0x18
        .seh_endprologue
        movq $1, %r14
        movq $2, %r13
        addq $0x10, %rsp
        incq %rax
        subq $0x120, %rsp
        movq $3, %rbx
        movq -0x68(%rbp), %r13
        leaq 0x180(%rbp), %rsp
        popq %rbx
        popq %r14
        popq %rbp
        ret
      """,
      "large": """
        pushq %rbp
        .seh_pushreg %rbp
        subq $0x90000, %rsp
        .seh_stackalloc 0x90000
        movq %rbx, 0x88000(%rsp)
        .seh_savereg %rbx, 0x88000
        movq %r12, 0x40(%rsp)
        .seh_savereg %r12, 0x40
        .seh_endprologue
        movq $3, %rbx
        movq $4, %r12
        movq $5, %rbp
        movq 0x40(%rsp), %r12
        movq 0x88000(%rsp), %rbx
        addq $0x90000, %rsp
        popq %rbp
        ret
      """,
      "tail_call": """
        pushq %rbp
        .seh_pushreg %rbp
        pushq %r13
        .seh_pushreg %r13
        subq $0x8, %rsp
        .seh_stackalloc 0x8
        .seh_endprologue
        movq $3, %r13
        jmp 2f
        1: incq %rax
        addq $0x8, %rsp
        popq %r13
        popq %rbp
        jmp no_frame
        2: movq $4, %rbp
        jmp 1b
      """,
    ]
    private static let order = functions.keys.sorted()

    /// One stop of a run.
    private struct Stop {
      var function: String
      var registers: RegisterSet
      var stack: [UInt8]
    }

    private struct Recording {
      var entry: RegisterSet
      var stops: [Stop] = []
      var text: [String: [UInt8]] = [:]
      var starts: [String: (UInt64, UInt64)] = [:]
      /// RUNTIME_FUNCTION and UNWIND_INFO of each.
      var tables: [String: [UInt8]] = [:]
    }

    private func source(forWindows: Bool) -> String {
      var lines = [".text"]
      for name in Self.order {
        var body = Self.functions[name]!.split(separator: "\n").map(String.init)
        if !forWindows { body.removeAll { $0.contains(".seh_") } }
        lines += forWindows ? [".globl \(name)", ".seh_proc \(name)"] : [".globl \(name)"]
        lines += ["\(name):"] + body + (forWindows ? [".seh_endproc"] : ["\(name)_end:"])
      }
      if !forWindows {
        lines += [".globl main", "main:"]
        for (index, register) in ["rbx", "rbp", "r12", "r13", "r14", "r15"].enumerated() {
          lines.append("movq $0x\(index + 1)111, %\(register)")
        }
        lines += Self.order.flatMap { ["call \($0)", "nop"] } + ["xorl %edi, %edi", "call _exit"]
      }
      return lines.joined(separator: "\n") + "\n"
    }

    /// Runs it once, and writes down every instruction between a call from main and its return.
    private static let script = """
      import gdb
      names = "rax rbx rcx rdx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 rip".split()
      def value(name): return int(gdb.parse_and_eval("(unsigned long)$" + name))
      def symbol(name): return int(gdb.parse_and_eval("(unsigned long)&" + name))
      gdb.execute("break main")
      gdb.execute("run")
      process = gdb.selected_inferior()
      main = symbol("main")
      functions = NAMES
      for name in functions:
        low, high = symbol(name), symbol(name + "_end")
        print("FUNCTION", name, low, high, process.read_memory(low, high - low).tobytes().hex())
      while True:
        inside = value("rip") < main
        if inside:
          top = min(value("rsp") + 0x90100, limit)
          print("STOP", *[value(n) for n in names], process.read_memory(value("rsp"), top - value("rsp")).tobytes().hex())
        else:
          code = process.read_memory(value("rip"), 5).tobytes()
          if code[0] == 0xe8:
            if int.from_bytes(code[1:5], "little", signed=True) + value("rip") + 5 > main or \\
               int.from_bytes(code[1:5], "little", signed=True) + value("rip") + 5 < symbol(functions[0]): break
            limit = value("rsp")
            print("CALL", *[value(n) for n in names])
        gdb.execute("stepi", to_string=True)
      """

    private func record() throws -> [Recording] {
      let scratch = try Scratch()
      try Data(source(forWindows: true).utf8).write(to: URL(filePath: scratch.file("w.s")))
      try Data(source(forWindows: false).utf8).write(to: URL(filePath: scratch.file("l.s")))
      let script = Self.script.replacing("NAMES", with: "\(Self.order)")
      try Data(script.utf8).write(to: URL(filePath: scratch.file("steps.py")))
      _ = try output(of: [
        "clang", "-target", "x86_64-pc-windows-msvc", "-c", scratch.file("w.s"), "-o",
        scratch.file("w.obj"),
      ])
      for section in ["xdata", "pdata"] {
        _ = try output(of: [
          "objcopy", "-O", "binary", "-j", ".\(section)", scratch.file("w.obj"),
          scratch.file(section),
        ])
      }
      _ = try output(of: ["gcc", "-no-pie", scratch.file("l.s"), "-o", scratch.file("l")])
      let text = try output(
        of: ["gdb", "-q", "-batch", "-nx", "-x", scratch.file("steps.py"), scratch.file("l")],
        timeout: 60)
      let information = try bytes(of: scratch.file("xdata"))
      let table = try bytes(of: scratch.file("pdata"))
      return try parse(text, information: information, table: table)
    }

    private func parse(_ text: String, information: [UInt8], table: [UInt8]) throws -> [Recording] {
      var recordings: [Recording] = []
      var base = Recording(entry: RegisterSet())
      for (index, name) in Self.order.enumerated() {
        // In an object file the offset of the information stands where the linker puts its address.
        let at = index * 12 + 8
        let offset = table[at..<at + 4].reversed().reduce(0) { $0 << 8 | Int($1) }
        base.tables[name] = Array(information[offset...])
      }
      for line in text.split(separator: "\n") {
        let words = line.split(separator: " ")
        switch words.first {
        case "FUNCTION":
          base.text[String(words[1])] = try hex(words[4])
          base.starts[String(words[1])] = try (
            #require(UInt64(words[2])), #require(UInt64(words[3]))
          )
        case "CALL":
          var recording = base
          recording.entry = try registers(words[1...17])
          recordings.append(recording)
        case "STOP":
          let registers = try registers(words[1...17])
          let function = try #require(
            base.starts.first { $0.value.0 <= registers.rip && registers.rip < $0.value.1 }?.key)
          recordings[recordings.count - 1].stops.append(
            Stop(function: function, registers: registers, stack: try hex(words[18])))
        default: break
        }
      }
      return recordings
    }

    private func hex(_ text: Substring) throws -> [UInt8] {
      let digits = Array(text.utf8)
      func digit(_ byte: UInt8) -> UInt8 { byte < 0x3a ? byte - 0x30 : byte - 0x57 }
      return stride(from: 0, to: digits.count, by: 2).map {
        digit(digits[$0]) << 4 | digit(digits[$0 + 1])
      }
    }

    private func registers(_ words: ArraySlice<Substring>) throws -> RegisterSet {
      let values = try words.map { try #require(UInt64($0)) }
      var set = RegisterSet()
      let order: [WritableKeyPath<RegisterSet, UInt64>] = [
        \.rax, \.rbx, \.rcx, \.rdx, \.rsi, \.rdi, \.rbp, \.rsp, \.r8, \.r9, \.r10, \.r11, \.r12,
        \.r13, \.r14, \.r15, \.rip,
      ]
      for (path, value) in zip(order, values) { set[keyPath: path] = value }
      return set
    }

    @Test(.timeLimit(.minutes(5))) func everyInstructionLeadsToTheCaller() throws {
      let recordings = try record()
      #expect(recordings.count == Self.order.count)
      var epilogs = 0
      for recording in recordings {
        #expect(recording.stops.count >= 2)
        for stop in recording.stops {
          let (start, end) = try #require(recording.starts[stop.function])
          let memory = try RegionMemory(
            (start, #require(recording.text[stop.function])), (stop.registers.rsp, stop.stack),
            (0x1_0000_0000, #require(recording.tables[stop.function])))
          let rules = ManagedRules(base: 0, start: start, end: end, information: 0x1_0000_0000)
          let next = FramePolicy.stepByManagedRules(
            stop.registers, rules, isInterrupted: true, memory: memory)
          let place = "\(stop.function)+\(stop.registers.rip - start)"
          let found = try #require(next, "\(place)")
          let entry = recording.entry
          #expect(
            [found.rip, found.rsp, found.rbx, found.rbp] == [
              entry.rip + 5, entry.rsp, entry.rbx, entry.rbp,
            ], "\(place)")
          #expect(
            [found.r12, found.r13, found.r14, found.r15] == [
              entry.r12, entry.r13, entry.r14, entry.r15,
            ], "\(place)")
          // By the tables alone, some are wrong: epilogs are really among these.
          let plain = FramePolicy.stepByManagedRules(
            stop.registers, rules, isInterrupted: false, memory: memory)
          if plain?.rip != found.rip { epilogs += 1 }
        }
      }
      #expect(epilogs >= 12)
    }
  }
#endif
