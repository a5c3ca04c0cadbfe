import Render
import Report
import Testing

@Suite struct ThreadsTests {
  let wait = [
    Samples.frame("syscall", ip: 1), Samples.frame("Pool::wait(Lock (&)(int))", ip: 2, module: 1),
    Samples.frame("clone3", ip: 3),
  ]
  let modules = [Samples.libc, Samples.module("/srv/libpool.so", at: 0x7f10_0000_0000)]

  @Test func `identical stacks are one, and the odd one comes first`() throws {
    var report = Samples.crashed([Samples.frame("boom")], modules: modules)
    for id in 100..<137 {
      var thread = Samples.thread(id, wait, name: "Worker")
      thread.state = "sleeping"
      report.threads.append(thread)
    }
    report.threads.append(Samples.thread(200, [Samples.frame("busy", ip: 9)], name: "Odd"))
    let lines = render(report)
    #expect(lines.has("38 threads with 2 different stacks"))
    let group = try #require(lines.line("×37 threads \"Worker\" waiting in Pool::wait"))
    #expect(lines[group].hasSuffix("Pool::wait"), "without parameters, and not in libc's syscall")
    #expect(lines[group + 1].contains("tids 100, 101, "))
    #expect(lines[group + 1].hasSuffix("…"))
    #expect(lines.count("clone3") == 1)
    #expect(try #require(lines.line("Thread 200 \"Odd\"")) < group)
    #expect(render(report) { $0.allThreads = true }.has("135, 136"))
  }

  @Test func `a wait is named by who called the C library`() {
    func header(_ frames: [Frame]) -> String {
      var report = Samples.crashed([Samples.frame("boom")], modules: modules)
      var thread = Samples.thread(7, frames)
      thread.state = "sleeping"
      report.threads.append(thread)
      return render(report).first { $0.contains("Thread 7") } ?? ""
    }
    let system = [Samples.frame("__futex_wait"), Samples.frame("pthread_cond_wait")]
    let named = Samples.frame("Pool::take", module: 1)
    #expect(header(system + [named]).hasSuffix("waiting in Pool::take"))
    #expect(
      header(system + [Samples.frame(module: 1), named])
        .hasSuffix("waiting in pthread_cond_wait, called from libpool.so"),
      "a name further out would mislead")
    #expect(header(system).hasSuffix("waiting in pthread_cond_wait"))
    #expect(header([]).hasSuffix("waiting"))
  }

  @Test func `stacks that differ in one address are not collapsed`() {
    var report = Samples.crashed([Samples.frame("boom")])
    report.threads += [
      Samples.thread(2, [Samples.frame("wait", ip: 1)]),
      Samples.thread(3, [Samples.frame("wait", ip: 2)]),
      Samples.thread(4, []), Samples.thread(5, []),
    ]
    let lines = render(report)
    #expect(!lines.has("×"))
    for id in 2...5 { #expect(lines.has("Thread \(id)")) }
  }

  @Test func `other threads are cut to a handful of frames`() {
    var report = Samples.crashed([Samples.frame("boom")])
    report.threads.append(
      Samples.thread(2, (0..<30).map { Samples.frame("f\($0)_", ip: UInt64($0)) }))
    let lines = render(report)
    #expect(lines.has("f5_") && !lines.has("f6_"))
    #expect(lines.has("… 24 more frames"))
    #expect(render(report) { $0.allThreads = true }.has("f29_"))
  }

  @Test func `many stacks are cut, and the rest is counted`() {
    var report = Samples.crashed([Samples.frame("boom")])
    for id in 1000..<1100 {
      report.threads.append(Samples.thread(id, [Samples.frame("w", ip: UInt64(id))]))
    }
    let lines = render(report)
    #expect(lines.has("… 84 more threads with 84 stacks; --all-threads shows them"))
    #expect(lines.has("Thread 1015") && !lines.has("Thread 1016"))
    #expect(render(report) { $0.allThreads = true }.has("Thread 1099"))
  }

  @Test func `a live process has threads and no crash`() {
    var report = Samples.report(.none, summary: "live")
    report.threads = [Samples.thread(1, wait), Samples.thread(2, wait)]
    report.modules = modules
    let lines = render(report)
    #expect(lines.contains { $0.hasPrefix("Threads") })
    #expect(!lines.has("crashed") && !lines.has("→"))
  }

  @Test func `a second thread that claims to have crashed is not lost`() {
    var report = Samples.crashed([Samples.frame("boom")])
    report.threads.append(Samples.thread(77, [Samples.frame("also", ip: 5)], crashed: true))
    #expect(render(report).has("Thread 77"))
  }
}

@Suite struct MemoryTests {
  func fault() -> Report {
    var report = Samples.crashed([Samples.frame("boom")], kind: .nativeFault)
    var signal = SignalRecord(number: 11, name: "SIGSEGV")
    signal.address = 0x8
    report.crash.signal = signal
    report.threads[0].registers = Registers([
      .init(name: "rax", value: 0x8), .init(name: "rip", value: 0x7f00_0000_1000),
    ])
    report.memoryMap = (1...6).map {
      MapRecord(
        start: HexNumber($0 * 0x10000), end: HexNumber($0 * 0x10000 + 0x1000), permissions: "r--p",
        offset: 0, path: "/m\($0)")
    }
    report.memory = [MemoryRecord(label: "at rsp", address: 0x1000, bytes: "48656c6c6f1b5bzz")]
    return report
  }

  @Test func `a native fault shows registers and the map, memory on demand`() {
    #expect(!render(fault()).has("48 65"))
    #expect(render(fault()).has("rax 0x0000000000000008   rip 0x00007f0000001000"))
    let lines = render(fault()) { $0.registers = true }
    #expect(lines.has("48 65 6c 6c 6f 1b 5b"))
    #expect(lines.contains { $0.hasSuffix("Hello.[") })
    #expect(lines.has("→ 0x8: nothing is mapped here"))
    #expect(lines.has("/m1") && lines.has("/m2") && !lines.has("/m3"))
  }

  @Test func `another crash shows them only on demand`() {
    var report = fault()
    report.crash.kind = .managedException
    #expect(!render(report).has("rax"))
    #expect(render(report) { $0.registers = true }.has("rax"))
  }

  @Test func `the mapping that was hit is marked, with its neighbours`() {
    var report = fault()
    report.crash.signal?.address = 0x30010
    let lines = render(report)
    #expect(lines.contains { $0.hasPrefix("→ 0x30000-0x31000") })
    for name in 1...5 { #expect(lines.has("/m\(name)")) }
    #expect(!lines.has("/m6") && !lines.has("nothing is mapped"))
    report.crash.signal?.address = 0xffff_ffff_ffff_ffff
    #expect(render(report).has("→ 0xffffffffffffffff: nothing is mapped here"))
  }

  @Test func `between two mappings the place of the fault is marked, after an overflow too`() throws
  {
    var report = fault()
    report.crash.signal?.address = 0x31800
    for kind in [Crash.Kind.nativeFault, .stackOverflow] {
      report.crash.kind = kind
      let lines = render(report)
      let place = try #require(lines.line("→ 0x31800: nothing is mapped here"))
      #expect(lines[place - 1].contains("/m3") && lines[place + 1].contains("/m4"))
    }
  }

  @Test func `the sender of a signal is not taken for an address`() {
    var report = fault()
    report.crash.signal?.origin = .user
    #expect(!render(report).has("Memory around the fault"))
  }

  @Test func `a limitation that threads share is told once, with its remedy`() {
    var report = Samples.report()
    report.limitations = (1...9).map {
      Limitation(stage: "walk", threadID: $0, problem: "no CFI", effect: "short", remedy: "install")
    }
    let lines = render(report)
    #expect(lines.count("no CFI") == 1)
    #expect(lines.has("no CFI  (walk, 9 threads)"))
    #expect(lines.has("→ install"))
  }
}
