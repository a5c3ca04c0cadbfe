import Foundation
import TestSupport

/// Function names by thread id, innermost first, as eu-stack gives them; "?" where it has none.
func stacksOfElfutils(_ pid: Int32) throws -> [Int32: [String]] {
  let text = try output(of: ["eu-stack", "-n", "0", "-r", "-p", "\(pid)"])
  var stacks: [Int32: [String]] = [:]
  var thread: Int32 = 0
  for line in text.split(separator: "\n") {
    if let match = line.firstMatch(of: /^TID (\d+):/) {
      thread = Int32(match.1) ?? 0
    } else if let match = line.firstMatch(of: /^#\d+ +0x[0-9a-f]+(?: - 1)?(?: +(.+))?$/) {
      stacks[thread, default: []].append(match.1.map(String.init) ?? "?")
    }
  }
  return stacks
}

/// As above, from gdb, which also lists inlined calls, and ends at main.
func stacksOfGDB(_ pid: Int32) throws -> [Int32: [String]] {
  try gdbFrames(pid).mapValues { $0.map(\.name) }
}

/// The return addresses by thread id, innermost first, as gdb has them up to main or to the thread's start.
func returnAddressesOfGDB(_ pid: Int32) throws -> [Int32: [UInt64]] {
  // The innermost frame has moved by now, or has no address; an inlined one never has; below the last frame of
  // Go's there is a zero.
  try gdbFrames(pid).mapValues { $0.dropFirst().compactMap(\.address).filter { $0 != 0 } }
}

private func gdbFrames(
  _ pid: Int32
) throws -> [Int32: [(address: UInt64?, name: String)]] {
  let text = try output(
    of: [
      "gdb", "-nx", "-batch", "-p", "\(pid)", "-ex", "set debuginfod enabled off", "-ex",
      "thread apply all bt",
    ], timeout: 60)
  var stacks: [Int32: [(UInt64?, String)]] = [:]
  var thread: Int32 = 0
  for line in text.split(separator: "\n") {
    if let match = line.firstMatch(of: /^Thread \d+ .*LWP (\d+)/) {
      thread = Int32(match.1) ?? 0
    } else if let match = line.firstMatch(of: /^#\d+ +(?:0x([0-9a-f]+) in )?([^ ]+) \(/) {
      let address = match.1.flatMap { UInt64($0, radix: 16) }
      if thread != 0 { stacks[thread, default: []].append((address, String(match.2))) }
    }
  }
  return stacks
}
