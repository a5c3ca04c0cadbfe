import Render
import Report
import Testing

@Suite struct ActivityTests {
  static let modules = [Samples.libc, Samples.module("/net/libcoreclr.so", at: 0x7f40_0000_0000)]
  static let futex = [Samples.frame("__futex_wait"), Samples.frame("pthread_cond_wait")]
  static let machinery = (0..<3).map { _ in Samples.frame(module: 1) { $0.plumbing = true } }
  static let own = Samples.method("Shop.Run", in: "Shop.dll")

  static func framework(_ names: String...) -> [Frame] {
    names.map { Samples.method($0, in: "System.Private.CoreLib.dll") }
  }

  /// A thread's heading and what follows it.
  func lines(
    _ frames: [Frame], state: String = "sleeping", _ change: (inout TextOptions) -> Void = { _ in }
  ) -> [String] {
    var report = Samples.crashed([Samples.frame("boom")], modules: Self.modules)
    var thread = Samples.thread(7, frames, name: "worker")
    thread.state = state
    report.threads.append(thread)
    let lines = render(report) {
      $0.width = 140
      change(&$0)
    }
    return lines.line("Thread 7").map { Array(lines[$0...]) } ?? []
  }

  @Test func `a wait is named by what the developer called`() {
    func heading(_ frames: [Frame], width: Int = 140) -> String {
      lines(Self.futex + Self.machinery + frames) { $0.width = width }.first ?? ""
    }
    let sleep = Self.framework(
      "System.Threading.Thread.SleepInternal", "System.Threading.Thread.Sleep")
    #expect(
      heading(sleep + [Self.own])
        == "  Thread 7 \"worker\" waiting in System.Threading.Thread.Sleep, called from Shop.Run")
    let take = Self.framework(
      "System.Threading.Monitor.Wait", "System.Threading.SemaphoreSlim.Wait",
      "System.Collections.Concurrent.BlockingCollection<T>.Take")
    let called = "waiting in System.Collections.Concurrent.BlockingCollection<T>.Take"
    #expect(
      heading(take + [Self.own]).hasSuffix(called + " (Monitor.Wait), called from Shop.Run"))
    #expect(
      heading(take + [Self.own], width: 119).hasSuffix(called + ", called from Shop.Run"),
      "both only where they fit")
    #expect(heading(take).hasSuffix(called + " (Monitor.Wait)"))
    for double in ["ReceiveCore", "InternalReceive"] {
      let receive = Self.framework("System.Net.Socket.Receive", "System.Net.Socket." + double)
      #expect(heading(receive + [Self.own]).contains("waiting in System.Net.Socket.Receive,"))
    }
    let native = Samples.frame("System.Threading.Thread.Join", kind: .runtime, module: 1)
    #expect(
      heading([native, Self.own])
        .hasSuffix("waiting in System.Threading.Thread.Join, called from Shop.Run"),
      "a method inside the runtime is one of .NET's")
  }

  @Test func `a wait right below the program's own method is the runtime's or the library's`() {
    #expect(
      lines(Self.futex + Self.machinery + [Self.own])[0]
        .hasSuffix("waiting in the runtime, called from Shop.Run"))
    #expect(
      lines(Self.futex + [Self.own])[0]
        .hasSuffix("waiting in pthread_cond_wait, called from Shop.Run"))
    let native = Samples.frame("db_query(int)", module: nil)
    #expect(
      lines(Self.futex + [native, Self.own])[0]
        .hasSuffix("waiting in db_query, called from Shop.Run"))
  }

  @Test func `a running thread says where`() {
    let main = Samples.method("Shop.Main", in: "Shop.dll")
    for top in [[], Self.machinery] {
      #expect(
        lines(top + [Self.own, main], state: "running")[0]
          .hasSuffix("running in Shop.Run, called from Shop.Main"))
    }
  }

  @Test func `what lies above and below the methods of a thread is folded`() {
    let methods = (0..<9).map { Samples.method("System.Layer\($0).Call", in: "System.dll") }
    let frames =
      Self.futex + Self.machinery + methods + [Self.own] + Self.machinery
      + [Samples.frame("clone3")]
    let lines = lines(frames)
    #expect(lines[1].hasSuffix("… 5 frames folded (libc.so.6, libcoreclr.so)"))
    #expect(lines[2].contains("5  System.Layer0.Call") && lines[10].contains("System.Layer8.Call"))
    #expect(lines[11].contains("14  Shop.Run"), "no method is cut before what is folded")
    #expect(lines[12].hasSuffix("… 4 frames folded (libcoreclr.so, libc.so.6)"))
    #expect(lines[13].isEmpty)
    let all = self.lines(frames) { $0.allThreads = true }
    #expect(all[1].contains("__futex_wait") && !all.has("folded"))
  }

  @Test func `where nothing is managed, nothing but plumbing is folded`() {
    let lines = lines(Self.futex + [Samples.frame("Pool::take", module: nil)])
    #expect(lines[1].contains("__futex_wait") && lines[3].contains("Pool::take"))
  }

  @Test func `threads in the program's own code come first`() throws {
    var report = Samples.crashed([Samples.frame("boom")], modules: Self.modules)
    report.threads += [
      Samples.thread(2, [Samples.method("System.Timer.Run", in: "System.dll", ip: 9)]),
      Samples.thread(3, [Self.own]),
      Samples.thread(4, [Self.own]),
    ]
    let lines = render(report)
    #expect(try #require(lines.line("×2 threads")) < #require(lines.line("Thread 2")))
  }

  @Test func `the runtime's own idle threads are one list`() throws {
    var report = Samples.crashed([Samples.frame("boom")], modules: Self.modules)
    report.process.name = "web"
    func add(_ id: Int, _ name: String, _ frames: [Frame], state: String = "sleeping") {
      var thread = Samples.thread(id, frames, name: name)
      thread.state = state
      report.threads.append(thread)
    }
    let start = Samples.frame("FinalizerThread::Start(void*)", ip: 5, module: 1) {
      $0.plumbing = true
    }
    let entry = Samples.frame("CPalThread::ThreadEntry(void*)", ip: 6, module: 1) {
      $0.plumbing = true
    }
    add(2, ".NET Finalizer", Self.futex + Self.machinery)
    add(3, ".NET Server GC", Self.futex + Self.machinery)
    add(4, ".NET Server GC", Self.futex + Self.machinery)
    add(5, "web", Self.futex + [start, entry])
    add(6, ".NET Busy", Self.machinery + [Samples.frame("a", ip: 6)], state: "running")
    add(7, "mine", Self.machinery + [Samples.frame("b", ip: 7, module: nil)])
    add(8, "plain", Self.futex)
    add(9, ".NET Finalizer", Self.futex + [start])
    report.threads[report.threads.count - 1].managed = .init(id: 2, exceptionType: "App.Oops")
    add(10, ".NET Finalizer", Self.futex + [entry])
    report.threads[report.threads.count - 1].complete = false
    let lines = render(report)
    let list = try #require(lines.line("4 threads of the runtime itself, waiting"))
    #expect(
      lines[list + 1].hasSuffix(
        "FinalizerThread::Start 5, .NET Finalizer 2, .NET Server GC ×2"))
    for id in 6...10 {
      #expect(lines.has("Thread \(id)"), "it does something, or is not the runtime's")
    }
    let all = render(report) { $0.allThreads = true }
    #expect(all.has("Thread 5") && !all.has("of the runtime itself"))
  }

  @Test func `a managed thread's number and exception stand in the heading`() {
    var report = Samples.crashed([Samples.frame("boom")])
    report.threads[0].managed = .init(id: 1, exceptionType: "App.Oops")
    var other = Samples.thread(7, [Self.own], name: "worker")
    other.managed = .init(id: 2, exceptionType: "App.Other")
    report.threads.append(other)
    let lines = render(report)
    #expect(lines.has("Thread 42 (managed 1) crashed with App.Oops"))
    #expect(lines.has("Thread 7 \"worker\" (managed 2) handling App.Other"))
  }
}
