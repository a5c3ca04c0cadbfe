import CDac
import Memory

extension Dac {
  /// Sync blocks that are looked at, at most: those of locks and COM objects, some dozens in most processes.
  private static let syncBlockLimit: UInt32 = 4096
  /// Milliseconds for which the process may be kept standing for them.
  private static let monitorTime = 10.0

  /// The objects whose locks somebody holds while others wait for them.
  ///
  /// The runtime gives an object a sync block as soon as anybody has to wait for its lock.
  func contendedMonitors() -> ContendedMonitors {
    var result = ContendedMonitors()
    let end = Self.milliseconds + Self.monitorTime
    var number: UInt32 = 1
    var count: UInt32 = 1
    while number <= count {
      guard number <= Self.syncBlockLimit, Self.milliseconds < end else {
        result.isCutShort = true
        break
      }
      var block = inquest_dac_sync_block()
      // Where there are none at all the first question fails.
      guard inquest_dac_get_sync_block(sos, number, &block) >= 0 else { break }
      count = block.count
      number += 1
      // One for being held, and two for each thread that waits.
      guard block.is_free == 0, block.object != 0, block.monitor_held >= 3 else { continue }
      result.monitors.append(
        ContendedMonitor(
          object: block.object, syncBlock: block.address,
          type: methodTable(block.object) ?? 0, owner: osThread(block.holding_thread)))
    }
    return result
  }

  /// Whether a thread may be in Monitor.Enter.
  ///
  /// The native half of that has a HelperMethodFrame_1OBJ, and on 3.1 a GCFrame on top of it. Not by the method that
  /// the Frame stands for: on 8.0 the first name of one takes 2.5 ms, in which the process would stand still.
  ///
  /// - Parameter frame: the thread's innermost explicit Frame.
  func mayEnterMonitor(_ frame: UInt64) -> Bool {
    guard frame != 0, frame != .max, let table = memory.load(UInt64.self, at: frame) else {
      return false
    }
    if let known = monitorFrames[table] { return known }
    let name = text { inquest_dac_frame_name(sos, table, $0, $1, &$2) } ?? ""
    let enters = name.hasPrefix("HelperMethodFrame") || name == "GCFrame"
    monitorFrames[table] = enters
    return enters
  }

  /// The kernel's id of a thread of the runtime; 0 for one that is gone, or for none.
  private func osThread(_ address: UInt64) -> Int32 {
    var thread = inquest_dac_thread()
    guard address != 0, inquest_dac_get_thread(sos, address, &thread) == 0 else { return 0 }
    return max(0, Int32(bitPattern: thread.os_id))
  }
}
