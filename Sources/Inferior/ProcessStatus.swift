import CLinux
public import Memory

/// What /proc/PID/status says (proc_pid_status(5)).
public struct ProcessStatus: Sendable, Equatable {
  public var name = ""
  /// The letter that the kernel uses: R, S, D, T, t, Z, X, I.
  public var state: Character = "?"
  public var threadGroupID: Int32 = 0
  public var parentPID: Int32 = 0
  public var tracerPID: Int32 = 0
  /// The real user and group.
  public var userID: UInt32 = 0
  public var groupID: UInt32 = 0
  /// The pid in every PID namespace from ours inwards.
  public var namespacePIDs: [Int32] = []
  public var threadCount = 0
  /// True when the process has no address space: a kernel thread or a zombie.
  public var hasNoMemory = true

  public init(text: [UInt8]) {
    for line in text.split(separator: UInt8(ascii: "\n")) {
      guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
      let key = String(decoding: line[..<colon], as: UTF8.self)
      let words = line[(colon + 1)...].split { $0 == 0x20 || $0 == 0x09 }
      let first = words.first.map { String(decoding: $0, as: UTF8.self) } ?? ""
      switch key {
      case "Name":
        name = String(decoding: line[(colon + 1)...].drop { $0 == 0x09 }, as: UTF8.self)
      case "State": state = first.first ?? "?"
      case "Tgid": threadGroupID = Int32(first) ?? 0
      case "PPid": parentPID = Int32(first) ?? 0
      case "TracerPid": tracerPID = Int32(first) ?? 0
      case "Uid": userID = UInt32(first) ?? 0
      case "Gid": groupID = UInt32(first) ?? 0
      case "NSpid":
        namespacePIDs = words.compactMap { Int32(String(decoding: $0, as: UTF8.self)) }
      case "Threads": threadCount = Int(first) ?? 0
      case "VmSize": hasNoMemory = false
      default: break
      }
    }
  }

  /// The state's name as proc(5) words it.
  public static func name(ofState letter: Character) -> String {
    switch letter {
    case "R": "running"
    case "S": "sleeping"
    case "D": "disk_sleep"
    case "T": "stopped"
    case "t": "tracing_stop"
    case "Z": "zombie"
    case "X", "x": "dead"
    case "I": "idle"
    case "P": "parked"
    default: "unknown"
    }
  }
}

extension ProcessDirectory {
  /// The process's status, or nil once it is gone.
  public func status() -> ProcessStatus? {
    contents(of: "status").flatMap { $0.isEmpty ? nil : ProcessStatus(text: $0) }
  }

  /// The leader, or if that has exited any thread that has not.
  public func livingThread() -> Int32 {
    func lives(_ id: Int32) -> Bool {
      threadNameAndState(id).map { !"ZX".contains($0.state) } ?? false
    }
    return lives(pid) ? pid : threadIDs().first(where: lives) ?? pid
  }

  /// False once nothing of the process is left to be read: it has ended, if perhaps nobody knows yet.
  public func hasMemory() -> Bool {
    contents(of: "task/\(livingThread())/maps", limit: 64)?.isEmpty == false
  }

  /// Who traces a thread; 0 for nobody, nil once it is gone.
  func tracer(ofThread id: Int32) -> Int32? {
    contents(of: "task/\(id)/status").flatMap {
      $0.isEmpty ? nil : ProcessStatus(text: $0).tracerPID
    }
  }

  /// A thread's id in the innermost PID namespace that it is in, which is what it calls itself; nil once it is gone.
  public func ownID(ofThread id: Int32) -> Int32? {
    contents(of: "task/\(id)/status").flatMap { ProcessStatus(text: $0).namespacePIDs.last }
  }

  /// Whether a process is a collector of ours, or has ended meanwhile.
  public static func isCollector(_ pid: Int32) -> Bool {
    // TASK_COMM_LEN leaves 15 characters of the name (proc_pid_comm(5)).
    read(path: "/proc/\(pid)/comm", limit: 64).map { $0.starts(with: "inquest-collect".utf8) }
      ?? true
  }

  /// A thread's name and the letter of its state, before anything stops it; nil once it is gone.
  public func threadNameAndState(_ id: Int32) -> (name: String, state: Character)? {
    ThreadStat.read(below: descriptor, "task/\(id)/stat")
  }

  /// The same of many threads, in the order of `ids`.
  public func threadNamesAndStates(_ ids: [Int32]) -> [(name: String, state: Character)?] {
    // One look-up of a path less each, of three.
    let task = inquest_openat(descriptor, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
    guard task >= 0 else { return ids.map { _ in nil } }
    defer { close(task) }
    var found: [(name: String, state: Character)?] = ids.map { _ in nil }
    found.withUnsafeMutableBufferPointer { found in
      nonisolated(unsafe) let found = found
      Cores.share(ids.count, atLeast: 100) { part in
        for index in part { found[index] = ThreadStat.read(below: task, "\(ids[index])/stat") }
      }
    }
    return found
  }

  /// Stack and instruction pointer of a thread that is blocked in a system call, with nobody stopped;
  /// nil for a running one, or where the kernel does not tell (proc_pid_syscall(5)).
  public func blockedThreadPointers(_ id: Int32) -> BlockedPointers? {
    guard let text = contents(of: "task/\(id)/syscall", limit: 512) else { return nil }
    let words = text.split { $0 == 0x20 || $0 == 0x0a }.map { String(decoding: $0, as: UTF8.self) }
    guard words.count >= 3, let sp = UInt64(words[words.count - 2].dropFirst(2), radix: 16),
      let ip = UInt64(words[words.count - 1].dropFirst(2), radix: 16)
    else { return nil }
    return BlockedPointers(stackPointer: sp, instructionPointer: ip)
  }

  /// The thread that is in wait4(2) for the process `child`, or nil. Nobody has to be stopped.
  public func thread(waitingFor child: Int32) -> Int32? {
    // "61 0x1234 0x7ffc… …": the number of the call, then its arguments.
    let call = Array("\(RegisterSet.waitSystemCall) 0x\(String(child, radix: 16)) ".utf8)
    return threadIDs().first { id in
      contents(of: "task/\(id)/syscall", limit: 512)?.starts(with: call) ?? false
    }
  }
}

/// A thread's `stat` (proc_pid_stat(5)).
private enum ThreadStat {
  static func read(below directory: CInt, _ path: String) -> (name: String, state: Character)? {
    let file = inquest_openat(directory, path, O_RDONLY | O_CLOEXEC, 0)
    guard file >= 0 else { return nil }
    defer { close(file) }
    return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 1024) { buffer in
      // "tid (name) S …": the name may hold spaces and parentheses, so the last one counts.
      let stat = buffer[..<max(0, CLinux.read(file, buffer.baseAddress, buffer.count))]
      guard let open = stat.firstIndex(of: UInt8(ascii: "(")),
        let close = stat.lastIndex(of: UInt8(ascii: ")")), open < close, close + 2 < stat.endIndex
      else { return nil }
      return (
        String(decoding: stat[(open + 1)..<close], as: UTF8.self),
        Character(Unicode.Scalar(stat[close + 2]))
      )
    }
  }
}
