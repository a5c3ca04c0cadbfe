import CLinux
import DotNet
import Glibc
import Inferior
import Memory

/// What an inspector needs to know, all of it found out by the worker.
struct InspectorPlan {
  var pid: Int32
  /// The DAC's path in the target's mount namespace.
  var path: String
  /// The DAC, open for reading: the file whose version was checked is the one that is loaded.
  var library: CInt
  /// The target's memory, open for reading: it stays readable when the rights to open it are given up.
  var memory: CInt
  var runtimeBase: UInt64
  var version: RuntimeVersion
  var own: InspectorAuthority
  var target: InspectorAuthority
}

/// The first message of an inspector: whether the DAC is there.
enum InspectorGreeting {
  private static let kinds: [UInt8] = [0, 1, 2, 3]

  static func ready() -> [UInt8] { [kinds[0]] }

  static func bytes(_ error: DacError) -> [UInt8] {
    switch error {
    case .notLoadable(let words): [kinds[1]] + words.utf8
    case .refused(let code): [kinds[2]] + String(code, radix: 16).utf8
    case .notPermitted(let words): [kinds[3]] + words.utf8
    default: [kinds[1]] + "\(error)".utf8
    }
  }

  static func refusal(_ bytes: [UInt8]) -> DacError? {
    let words = String(decoding: bytes.dropFirst(), as: UTF8.self)
    switch bytes.first {
    case 0: return nil
    case 2: return .refused(code: UInt32(words, radix: 16) ?? 0)
    case 3: return .notPermitted(words)
    default: return .notLoadable(words)
    }
  }
}

/// The inspector itself: everything in here runs in a process of its own.
enum InspectorRole {
  static func run(_ plan: InspectorPlan, socket: CInt) -> Never {
    // Only these three are of any use to it; the rest, the report directory and the worker's socket among
    // them, is not the target's business.
    let (ours, library, memory): (CInt, CInt, CInt) = (3, 4, 5)
    let null = inquest_openat(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC, 0)
    let high = [socket, plan.library, plan.memory].map { inquest_duplicate_above($0, 64) }
    for descriptor in 0..<3 as Range<CInt> { dup2(null, descriptor) }
    dup2(high[0], ours)
    dup2(high[1], library)
    dup2(high[2], memory)
    inquest_close_from(6)

    if let refused = InspectorAuthority.become(plan.target, from: plan.own, pid: plan.pid) {
      send(InspectorGreeting.bytes(.notPermitted(refused)), to: ours)
      _exit(0)
    }
    // A change of user clears it (prctl(2)), so it comes after.
    _ = inquest_prctl(PR_SET_PDEATHSIG, UInt(SIGKILL))
    FaultInjection.strike(named: "inspector")
    let server: InspectorServer
    do throws(DacError) {
      server = try InspectorServer(
        path: "/proc/self/fd/\(library)", runtimeBase: plan.runtimeBase, version: plan.version,
        memory: FileMemory(descriptor: memory))
    } catch {
      send(InspectorGreeting.bytes(error), to: ours)
      _exit(0)
    }
    send(InspectorGreeting.ready(), to: ours)
    while let question = receive(from: ours) {
      send(
        server.answer(question, strike: { FaultInjection.strike(named: "inspector-\($0)") }),
        to: ours)
    }
    _exit(0)
  }

  private static func send(_ message: [UInt8], to descriptor: CInt) {
    var bytes: [UInt8] = []
    withUnsafeBytes(of: UInt32(message.count).littleEndian) { bytes += $0 }
    bytes += message
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        write(descriptor, $0.baseAddress.map { $0 + sent }, $0.count - sent)
      }
      if count <= 0 { _exit(1) }
      sent += count
    }
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
    guard let length = bytes(4) else { return nil }
    return bytes(Int(length.reversed().reduce(0) { $0 << 8 | UInt32($1) }))
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
