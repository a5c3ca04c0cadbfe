#if arch(x86_64)
  import Foundation
  import Report
  import TestSupport
  import Testing

  /// The instruction at the fault, compared with gdb's; where its operand lies, with the kernel's si_addr.
  @Suite(.timeLimit(.minutes(5))) struct InstructionTests {
    /// gdb's words, as many bytes as we have found, and si_addr, of the same program run by gdb.
    private func asked(
      of way: String, bytes count: Int, before: Int = 0
    ) throws -> (text: String, bytes: String) {
      let text = try output(
        of: [
          "gdb", "-nx", "-batch", "-ex", "set debuginfod enabled off", "-ex",
          "set disassembly-flavor intel", "-ex", "run", "-ex", "printf \"\\n\"", "-ex",
          "x/i $pc - \(before)", "-ex", "x/\(count)xb $pc - \(before)", "--args",
          Places.native("dies"), way,
        ], timeout: 60)
      let lines = text.split(separator: "\n")
      // "=> 0x55… <main()+4>:	mov    eax,…", then "0x55…:	0x8b	0x42"; the mark only at the pc itself.
      let found = try #require(
        lines.lastIndex { $0.contains("0x") && $0.contains(">:\t") && !$0.contains("\t0x") },
        "\(text)")
      let words = lines[found].split(separator: "\t", maxSplits: 1).last ?? ""
      let bytes = lines[(found + 1)...].flatMap { $0.split(separator: "\t").dropFirst() }
      return (String(words), bytes.map { $0.dropFirst(2) }.joined())
    }

    /// What two disassemblers of one syntax still write in two ways.
    private func plain(_ text: String) -> String {
      var text = String(text.lowercased().prefix { $0 != "#" && $0 != "<" })
      for (part, other) in [
        ("movsb ", "movs "), (" ", ""), ("es:", ""), ("ds:", ""), ("[", ""), ("]", ""), ("0x", ""),
      ] {
        text = text.replacing(part, with: other)
      }
      return text
    }

    @Test(arguments: [
      "load", "store", "segment", "relative", "noncanonical", "copy", "calls", "push", "divide",
      "illegal", "between",
    ])
    func anInstructionIsGdbs(way: String) throws {
      let death = try Death(way)
      let found = try #require(death.crash.instruction)
      let truth = try asked(of: way, bytes: found.bytes.count / 2)
      #expect(plain(try #require(found.text)) == plain(truth.text))
      #expect(found.bytes == truth.bytes)
      #expect(found.address == death.captured.report.crashedThread?.registers?["rip"])
    }

    /// int3 is behind us when it traps.
    @Test func aTrapIsTheInstructionBefore() throws {
      let death = try Death("trap")
      let found = try #require(death.crash.instruction)
      let truth = try asked(of: "trap", bytes: 1, before: 1)
      #expect(found.text == truth.text && found.bytes == "cc" && truth.bytes == "cc")
      let behind = death.captured.report.crashedThread?.registers?["rip"]?.value
      #expect(behind == found.address.value + 1)
    }

    @Test(arguments: [
      ("load", "read"), ("store", "write"), ("segment", "read"), ("relative", "write"),
      ("copy", "write"), ("calls", "read"), ("push", "write"), ("overflow", "write"),
    ])
    func anOperandLiesWhereTheKernelSaysTheFaultWas(way: String, access: String) throws {
      let death = try Death(way)
      let operand = try #require(death.crash.instruction?.operands?.first)
      let address = try #require(death.crash.signal?.address)
      #expect(operand.address == address)
      #expect(operand.access == access)
      #expect(death.crash.signal?.access?.rawValue == access)
    }

    /// The kernel does not say where: a general protection fault.
    @Test func aNonCanonicalAddressIsKnownFromTheInstruction() throws {
      let death = try Death("noncanonical")
      #expect(death.crash.signal?.address == nil && death.crash.signal?.trapNumber == 13)
      let operand = try #require(death.crash.instruction?.operands?.first)
      #expect(operand.address == 0x1234_5678_90ab_cdef && operand.access == "read_write")
    }

    @Test(arguments: ["nowhere", "data"]) func whereThereIsNoCodeNothingWasExecuted(way: String)
      throws
    {
      let death = try Death(way)
      #expect(death.crash.signal?.access == .execute)
      #expect(death.crash.instruction == nil)
    }

    @Test func theMemoryAroundAFault() throws {
      let death = try Death("data")
      let report = death.captured.report
      // The jump was to four numbers that the program is known to have.
      let code = try #require(report.memory.first { $0.label == "rip" })
      let place = try #require(death.crash.signal?.address?.value)
      let offset = Int(place - code.address.value) * 2
      #expect(
        code.bytes.dropFirst(offset).hasPrefix("11000000220000003300000044000000"), "\(code)")
      let stack = try #require(report.memory.first { $0.label == "rsp" })
      #expect(stack.address == report.crashedThread?.registers?["rsp"])
      #expect(stack.bytes.utf8.count == 2 * 256)
      let ranges = report.memory.map {
        $0.address.value..<$0.address.value + UInt64($0.bytes.utf8.count / 2)
      }
      for (index, range) in ranges.enumerated() {
        #expect(
          !ranges[..<index].contains(where: { $0.overlaps(range) }), "\(report.memory[index])")
      }
    }

    /// Where Capstone is not installed: something else in its place, in a mount namespace of the test's own.
    @Test(.enabled(if: geteuid() == 0)) func withoutTheLibraryThereAreBytes() throws {
      let script = """
        for file in $(ldconfig -p | sed -n 's/.*libcapstone.so.4 .*=> //p'); do
          mount --bind /dev/null "$file" || exit 1
        done
        exec "$@"
        """
      let death = try Death("store", before: ["unshare", "-m", "sh", "-c", script, "sh"])
      let found = try #require(death.crash.instruction)
      #expect(found.text == nil && found.operands == nil)
      #expect(found.bytes.hasPrefix("48c744d0102a000000") && found.bytes.utf8.count == 30)
      #expect(death.captured.report.report.complete)
    }
  }
#endif
