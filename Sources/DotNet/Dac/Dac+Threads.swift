import CDac
import Glibc
import Memory

extension Dac {
  /// Threads that are followed, at most: the list is a chain in the target's memory.
  private static let threadLimit = 20_000
  /// Explicit Frames of one thread, at most: those of the innermost calls matter.
  private static let frameLimit = 32

  /// How long the process may be kept standing for the explicit Frames of all threads: finding the method of
  /// one can take the DAC a tenth of a millisecond.
  private static let frameTime = 20.0

  /// Every thread that the runtime knows and that has a thread of the system, in the runtime's order.
  ///
  /// - Parameter crashed: the thread whose explicit Frames are read however long that takes; 0 for none.
  func threads(crashed: Int32) -> [ManagedThread] {
    var found: [ManagedThread] = []
    let end = Self.milliseconds + Self.frameTime
    eachThread { thread in
      var entry = ManagedThread(
        id: Int32(bitPattern: thread.os_id), managedID: Int(thread.managed_id))
      entry.exceptionTable = lastThrown(thread).flatMap(methodTable) ?? 0
      if entry.id == crashed || Self.milliseconds < end {
        entry.nativeCalls = nativeCalls(from: thread.frame)
        entry.mayEnterMonitor = mayEnterMonitor(thread.frame)
      } else {
        entry.isCutShort = true
      }
      // 0: not started; 0xbaadf00d: gone (SWITCHED_OUT_FIBER_OSID).
      if entry.id > 0 { found.append(entry) }
      return true
    }
    return found
  }

  /// The monotonic clock. Swift's own, ContinuousClock, would bring all of its concurrency into the collector.
  static var milliseconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) * 1000 + Double(time.tv_nsec) / 1_000_000
  }

  /// The methods that the explicit Frames of a thread stand for.
  ///
  /// A Frame is its table of virtual functions and then the address of the next one outwards, -1 at the end
  /// (vm/frames.h).
  private func nativeCalls(from first: UInt64) -> [ManagedThread.NativeCall] {
    var calls: [ManagedThread.NativeCall] = []
    var frame = first
    for _ in 0..<Self.frameLimit where frame != 0 && frame != .max {
      var method: UInt64 = 0
      if inquest_dac_method_of_frame(sos, frame, &method) == 0, method != 0 {
        calls.append(ManagedThread.NativeCall(address: frame, method: method))
      }
      guard let next = memory.load(UInt64.self, at: frame &+ 8), next > frame else { break }
      frame = next
    }
    return calls
  }

  /// Calls `body` for one thread after the other until it says false.
  private func eachThread(_ body: (inquest_dac_thread) -> Bool) {
    var store = inquest_dac_thread_store()
    guard inquest_dac_get_thread_store(sos, &store) == 0 else { return }
    var next = store.first
    var left = Self.threadLimit
    while next != 0, left > 0 {
      var thread = inquest_dac_thread()
      guard inquest_dac_get_thread(sos, next, &thread) == 0, body(thread) else { return }
      next = thread.next
      left -= 1
    }
  }

  /// The object that a thread deals with as an exception, else the last that it has thrown.
  ///
  /// The current one comes first: for an access violation in managed code the last thrown one is a
  /// preallocated ExecutionEngineException (measured on 3.1.23 and 8.0.4).
  func exceptionObject(thread id: Int32) -> UInt64? {
    var task: UnsafeMutableRawPointer?
    if inquest_dac_task(process, UInt32(bitPattern: id), &task) == 0, let task {
      defer { inquest_dac_release(task) }
      var object: UInt64 = 0
      if inquest_dac_current_exception(task, &object) == 0, object != 0 { return object }
    }
    var result: UInt64?
    eachThread { thread in
      guard thread.os_id == UInt32(bitPattern: id) else { return true }
      result = lastThrown(thread)
      return false
    }
    return result
  }

  private func lastThrown(_ thread: inquest_dac_thread) -> UInt64? {
    // A handle is the address of the object's address.
    guard thread.last_thrown_handle != 0,
      let object = memory.load(UInt64.self, at: thread.last_thrown_handle), object != 0
    else { return nil }
    return object
  }

  /// What says of which type an object is. The lowest bits are the garbage collector's.
  func methodTable(_ object: UInt64) -> UInt64? {
    memory.load(UInt64.self, at: object).map { $0 & ~7 }
  }

  func typeName(_ table: UInt64) -> String? {
    text { inquest_dac_type_name(sos, table, $0, $1, &$2) }.map(ManagedName.reflected)
  }

  func className(_ object: UInt64) -> String? {
    text { inquest_dac_class_name(sos, object, $0, $1, &$2) }
  }
}
