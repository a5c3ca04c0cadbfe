import Foundation
import Report
import ReportReader
import Testing

@Suite struct RoundTripTests {
  /// A report in which every key of the format occurs.
  static let full = """
    {"schema":{"name":"inquest.report","version":"1.0.0"},\
    "report":{"id":"abc","created_at":"2026-11-21T03:25:12Z","trigger":"crash","complete":true,\
    "collector":{"name":"inquest-collector","version":"0.1.0"},\
    "timing":{"total_ms":87.4,"frozen_ms":11.925,"stages":[{"name":"freeze","ms":3}]},\
    "redacted":["/process/arguments/1"]},\
    "crash":{"kind":"native_fault","summary":"it \\"died\\"\\n\\u001b[31m","thread_id":42,\
    "survives":false,"signal":{"number":11,"name":"SIGSEGV","code":1,"code_name":"SEGV_MAPERR",\
    "address":"0x8","origin":"kernel","sender":{"pid":1,"uid":0,"name":"kill","command":"kill 42"},\
    "access":"write","trap_number":14,"error_code":"0x6","system_call":{"number":57,"name":"fork"}},\
    "message":"a","thrown":{"type":"std::bad_alloc","message":"m"},\
    "instruction":{"address":"0x1","bytes":"90","text":"nop","operands":[{"base":"rax","index":"rbx",\
    "scale":8,"displacement":-8,"size":4,"access":"write","address":"0x2"}]}},\
    "exception":{"type":"X","message":"m","hresult":"0x80131509","frames":[],\
    "inner":[{"type":"Y","message":"n","hresult":"0x00000001","frames":[],"inner":[]}]},\
    "diagnoses":[{"rule":"r","summary":"s","detail":"d","confidence":"high","evidence":["/crash"]}],\
    "signature":{"algorithm":"a1","hash":"ff","frames":["f"]},\
    "process":{"pid":42,"parent_pid":1,"name":"web","executable":"/web","arguments":["web"],\
    "working_directory":"/","user_id":0,"group_id":0,"started_at":"2026-11-21T00:00:00Z",\
    "uptime_seconds":12.5,"namespace_pid":1,"is_namespace_init":true,\
    "environment":{"LANG":"C"},"container":{"id":"c","cgroup":"/g"},"service":{"unit":"w.service"},\
    "open_files":3,"limits":{"open_files":1024,"stack_bytes":8388608,"address_space_bytes":1,"processes":2},\
    "memory":{"resident_bytes":1,"virtual_bytes":2,"group_bytes":3,"group_limit_bytes":4,"group_kills":5}},\
    "runtime":{"name":".NET","version":"8.0.4","commit":"ab","path":"/dotnet","inspection":"ok"},\
    "host":{"name":"h","kernel":"6.1","architecture":"x86_64","os":"Debian","cpus":4,\
    "memory_bytes":17179869184},\
    "threads":[{"id":42,"name":"web","crashed":true,"state":"sleeping",\
    "managed":{"id":1,"exception_type":"X"},\
    "registers":{"rax":"0x1","rbx":"0x2","rsp":"0x7ffc00000000","r8":"0x3","r15":"0x4",\
    "rip":"0xffffffffffffffff","rflags":"0x246"},\
    "stack":{"kind":"main","start":"0x1000","end":"0x2000","guard":{"start":"0x0","end":"0x1000"}},\
    "stacks":[{"kind":"alternate","start":"0x1","end":"0x2"},{"kind":"main","start":"0x1000","end":"0x2000"}],\
    "waits_for":{"kind":"monitor","address":"0x9","type":"T","owner_thread_id":43},\
    "frames":[{"kind":"managed","trust":"runtime","ip":"0x1","sp":"0x2","stack":"alternate",\
    "module":0,"module_offset":"0x3","function":"f","raw_function":"_f","function_offset":"0x4",\
    "file":"/f.c","line":5,"column":6,"managed":{"token":"0x6000001","il_offset":"0x0",\
    "assembly":"a.dll","mvid":"00"},"signal_frame":true,"plumbing":true,\
    "repeated":{"frames":2,"times":3}}],"handler_frames":[],"frame_count":7,"complete":false,\
    "end_reason":"deadline"}],\
    "modules":[{"path":"/m","kind":"elf","base":"0x0","end":"0x10","build_id":"aa","mvid":"bb",\
    "pdb_id":"cc","deleted":true,"version":"1"}],\
    "memory_map":[{"start":"0x0","end":"0x10","permissions":"r-xp","offset":"0x0","path":"/m",\
    "fault":true,"file_bytes":3}],\
    "memory":[{"label":"rsp","address":"0x0","bytes":"00ff"}],\
    "limitations":[{"stage":"s","thread_id":42,"problem":"p","effect":"e","remedy":"r"}],\
    "extensions":{}}
    """

  @Test func `reading and writing gives the same bytes, keys in the same order`() throws {
    let report = try Report(json: Array(Self.full.utf8))
    #expect(String(decoding: report.json, as: UTF8.self) == Self.full)
  }

  /// Threads and frames are written by code of their own; a key that it forgets would be lost in silence.
  @Test
  func `the full report has a value for every key of threads, frames, the crash and the process`()
    throws
  {
    let report = try Report(json: Array(Self.full.utf8))
    let thread = report.threads[0]
    let frame = thread.frames[0]
    let signal = try #require(report.crash.signal)
    let parts: [Any] = [
      thread, frame, try #require(frame.managed), try #require(thread.managed),
      try #require(thread.stack), try #require(thread.waitsFor), report.memoryMap[0], report.crash,
      signal, try #require(signal.sender), try #require(signal.systemCall),
      try #require(report.crash.thrown), try #require(report.crash.instruction),
      try #require(report.crash.instruction?.operands?.first), report.process,
      try #require(report.process.limits), try #require(report.process.memory),
    ]
    for value in parts {
      for child in Mirror(reflecting: value).children {
        let isMissing =
          Mirror(reflecting: child.value).displayStyle == .optional
          && Mirror(reflecting: child.value).children.isEmpty
        #expect(!isMissing, "\(child.label ?? "") is not in the full report")
      }
    }
  }

  @Test func `values survive`() throws {
    let report = try Report(json: Array(Self.full.utf8))
    #expect(report.crash.summary == "it \"died\"\n\u{1b}[31m")
    #expect(report.crash.signal?.address == 0x8)
    #expect(report.threads[0].registers?["rip"]?.value == .max)
    #expect(report.threads[0].frames[0].repeated?.times == 3)
    #expect(report.host?.memoryBytes == 17_179_869_184)
    #expect(report.report.timing.frozenMS == 11.925)
    #expect(report.crashedThread?.id == 42)
  }

  /// Wrappers in wrappers, as retries and continuations make them; siblings at every level.
  @Test func `exceptions of any depth survive`() throws {
    let plain =
      #"{"type":"T0","message":"a \"b\"\n\u0000é\ud83d\ude00","hresult":"0x00000000","frames":[],"inner":[]}"#
    var text = plain
    for depth in 1...200 {
      let frame =
        #"{"kind":"managed","trust":"runtime","ip":"0x\#(String(depth, radix: 16))","sp":"0x2","file":"/x.cs","line":\#(depth)}"#
      text =
        #"{"type":"T\#(depth)","message":"","hresult":"0xffffffff","frames":[\#(frame)],"inner":[\#(text),\#(plain)]}"#
    }
    let start = try #require(Self.full.range(of: #""exception":"#))
    let end = try #require(Self.full.range(of: #","diagnoses":"#))
    let whole = Self.full.replacingCharacters(in: start.upperBound..<end.lowerBound, with: text)
    let report = try Report(json: Array(whole.utf8))
    var exception = try #require(report.exception)
    for depth in (1...200).reversed() {
      #expect(exception.type == "T\(depth)" && exception.frames[0].line == depth)
      #expect(exception.hresult == 0xffff_ffff && exception.inner.count == 2)
      exception = exception.inner[0]
    }
    #expect(exception.message == "a \"b\"\n\u{0}é\u{1F600}" && exception.inner.isEmpty)
    // The second writing is the first one's; escapes may differ from those above.
    #expect(try Report(json: report.json).json == report.json)
  }

  /// The format says: eight digits.
  @Test(arguments: [0, 1, 0x8013_1509, .max] as [UInt32]) func `an HRESULT has eight digits`(
    value: UInt32
  ) throws {
    let code = HResult(value)
    #expect(code.description.count == 10)
    #expect(code.description.wholeMatch(of: /0x[0-9a-f]{8}/) != nil)
    #expect(UInt32(code.description.dropFirst(2), radix: 16) == value)
    let changed = Self.full.replacing("0x80131509", with: code.description)
    #expect(try Report(json: Array(changed.utf8)).exception?.hresult == code)
    let large = Self.full.replacing("0x80131509", with: "0x100000000")
    #expect(throws: ReportError.self) { try Report(json: Array(large.utf8)) }
  }

  @Test func `the top-level keys stand in the documented order`() {
    #expect(
      Report.keys == [
        "schema", "report", "crash", "exception", "diagnoses", "signature", "process", "runtime",
        "host", "threads", "modules", "memory_map", "memory", "limitations", "extensions",
      ])
  }

  @Test func `unknown values are left out, never null`() throws {
    let report = Report(
      report: ReportInfo(
        id: "x", createdAt: "t", trigger: .manual, complete: true,
        collector: .init(name: "c", version: "v"),
        timing: .init(totalMS: 0, frozenMS: 0, stages: [])),
      crash: Crash(kind: .none, summary: "s"), process: ProcessRecord(pid: 1))
    let text = String(decoding: report.json, as: UTF8.self)
    #expect(!text.contains("null"))
    #expect(!text.contains("\"exception\"") && !text.contains("\"signal\""))
    #expect(text.contains("\"threads\":[]"))
    #expect(try Report(json: report.json).process.pid == 1)
  }

  @Test func `a newer report is read: unknown keys and unknown enum values`() throws {
    let newer =
      Self.full
      .replacing("\"native_fault\"", with: "\"heat_death\"")
      .replacing("\"trust\":\"runtime\"", with: "\"trust\":\"oracle\",\"colour\":[1,{}]")
      .replacing("\"version\":\"1.0.0\"", with: "\"version\":\"1.7.0\"")
      .replacing("\"extensions\":{}", with: "\"extensions\":{\"vendor\":1},\"later\":true")
    let report = try Report(json: Array(newer.utf8))
    #expect(report.crash.kind == "heat_death")
    #expect(report.threads[0].frames[0].trust == "oracle")
    #expect(String(decoding: report.json, as: UTF8.self).contains("\"trust\":\"oracle\""))
  }

  @Test(arguments: [
    "", "{", "null", "[]", "\"report\"", "{}", "{\"schema\":1}", String(full.prefix(2000)),
    full.replacing("\"0x8\"", with: "8"), full.replacing("\"0x8\"", with: "\"0xg\""),
    full.replacing("\"pid\":42", with: "\"pid\":\"42\""),
  ])
  func `what is no report is refused in one line`(text: String) {
    let error = #expect(throws: ReportError.self) { try Report(json: Array(text.utf8)) }
    guard case .malformed(let problem)? = error else {
      Issue.record("expected malformed, not \(String(describing: error))")
      return
    }
    #expect(!problem.isEmpty && !problem.contains("\n"))
  }

  @Test func `another tool's report is named as such`() {
    let other = Self.full.replacing("inquest.report", with: "other.report")
    #expect(throws: ReportError.otherFormat("other.report")) {
      try Report(json: Array(other.utf8))
    }
  }
}
