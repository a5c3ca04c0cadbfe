import CLinux
import DotNet
import Glibc
import Inferior
import Memory

/// The first message of an inspector: whether the DAC is there.
enum InspectorGreeting {
  /// Bytes of a greeting, at most.
  static let limit = 4096
  private static let kinds: [UInt8] = [0, 1, 2, 3, 4]

  static func ready() -> [UInt8] { [kinds[0]] }

  static func bytes(_ error: DacError) -> [UInt8] {
    switch error {
    case .notLoadable(let words): [kinds[1]] + words.utf8.prefix(limit - 1)
    case .refused(let code): [kinds[2]] + String(code, radix: 16).utf8
    case .notPermitted(let words): [kinds[3]] + words.utf8.prefix(limit - 1)
    case .unreadable(_, let why): [kinds[4]] + why.utf8.prefix(limit - 1)
    default: [kinds[1]] + "\(error)".utf8.prefix(limit - 1)
    }
  }

  /// - Parameter path: of the DAC, which the inspector knows by a descriptor only.
  static func refusal(_ bytes: [UInt8], path: String) -> DacError? {
    var words = String(decoding: bytes.dropFirst(), as: UTF8.self)
    if words.hasPrefix(InspectorRole.loadPath) {
      words = path + words.dropFirst(InspectorRole.loadPath.count)
    }
    switch bytes.first {
    case 0: return nil
    case 2: return .refused(code: UInt32(words, radix: 16) ?? 0)
    case 3: return .notPermitted(words)
    case 4: return .unreadable(path, why: words)
    default: return .notLoadable(words)
    }
  }
}

/// The inspector itself: everything in here runs in a process of its own.
enum InspectorRole {
  /// Only these three are of any use to it.
  private static let (ours, library, memory): (CInt, CInt, CInt) = (3, 4, 5)
  /// The file whose version was checked, whatever lies at its path by now.
  static let loadPath = "/proc/self/fd/4"
  /// Bytes of address space: a library that fills memory is to harm nobody else.
  private static let mostMemory: UInt64 = 1 << 30

  static func run(_ plan: InspectorPlan, socket: CInt) -> Never {
    // The rest, the report directory and the worker's socket among them, is not the target's business.
    let null = inquest_openat(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC, 0)
    let high = [socket, plan.library, plan.memory].map { inquest_duplicate_above($0, 64) }
    for descriptor in 0..<3 as Range<CInt> { dup2(null, descriptor) }
    dup2(high[0], ours)
    dup2(high[1], library)
    dup2(high[2], memory)
    inquest_close_from(6)
    inquest_forget_environment(FaultInjection.variable)

    if let refused = InspectorAuthority.become(plan.target, from: plan.own, pid: plan.pid) {
      refuse(.notPermitted(refused))
    }
    let number = inquest_confine(mostMemory)
    if number != 0, !plan.own.isWithin(plan.target) {
      refuse(.notPermitted("it cannot be confined: \(String(cString: strerror(number)))"))
    }
    // The worker may have died before that could kill us: its end of the socket is closed then.
    if inquest_poll(ours, 0, 0) != 0 { _exit(1) }
    FaultInjection.strike(named: "inspector")
    inquest_trim_heap()
    let server: InspectorServer
    do throws(DacError) {
      server = try InspectorServer(
        path: try path(plan), runtimeBase: plan.runtimeBase, version: plan.version,
        memory: FileMemory(descriptor: memory))
    } catch {
      refuse(error)
    }
    send(InspectorGreeting.ready(), to: ours)
    var kinds: Set<UInt8> = []
    while let question = receive(from: ours) {
      // The first question of a kind needs other code than those before, and the DAC the memory. Not every
      // change of kind: they take turns, and each costs some two hundred page faults. Nor while the process
      // stands still for the answer.
      if let kind = question.first, !InspectorServer.isUrgent(question), kinds.insert(kind).inserted
      {
        inquest_drop_code()
      }
      send(
        server.answer(question, strike: { FaultInjection.strike(named: "inspector-\($0)") }),
        to: ours)
    }
    _exit(0)
  }

  /// How the library can be loaded: dlopen wants a path, and opens what is there as the target's user.
  private static func path(_ plan: InspectorPlan) throws(DacError) -> String {
    if access(loadPath, R_OK) == 0 { return loadPath }
    let number = inquest_errno()
    guard number == ENOENT else {
      throw .unreadable(plan.path, why: String(cString: strerror(number)))
    }
    // The target sees no /proc.
    var (checked, found) = (stat(), stat())
    guard fstat(library, &checked) == 0, stat(plan.path, &found) == 0,
      checked.st_dev == found.st_dev, checked.st_ino == found.st_ino
    else { throw .notLoadable("\(plan.path) cannot be found without /proc") }
    return plan.path
  }

  private static func refuse(_ error: DacError) -> Never {
    send(InspectorGreeting.bytes(error), to: ours)
    _exit(0)
  }

  private static func send(_ message: [UInt8], to descriptor: CInt) {
    if !Framing.write(Framing.header(message.count) + message, to: descriptor) { _exit(1) }
  }

  private static func receive(from descriptor: CInt) -> [UInt8]? {
    func bytes(_ count: Int) -> [UInt8]? {
      var result: [UInt8] = []
      while result.count < count {
        let chunk = [UInt8](unsafeUninitializedCapacity: count - result.count) { buffer, filled in
          filled = max(0, read(descriptor, buffer.baseAddress, buffer.count))
        }
        if chunk.isEmpty { return nil }
        result += chunk
      }
      return result
    }
    return bytes(Framing.headerSize).flatMap { bytes(Framing.length($0)) }
  }
}

/// A process's memory through a descriptor of its /proc/PID/mem.
struct FileMemory: MemorySource {
  let descriptor: CInt

  func read(_ address: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    var done = 0
    while done < buffer.count, let base = buffer.baseAddress {
      let count = pread(
        descriptor, base + done, buffer.count - done,
        off_t(Int64(bitPattern: address &+ UInt64(done))))
      if count <= 0 { break }
      done += count
    }
    return done
  }
}
