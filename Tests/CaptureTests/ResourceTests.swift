import Foundation
import Inferior
import Report
import TestSupport
import Testing

@testable import Capture

/// What a process uses of what it may use, compared with what the kernel and the shell say.
@Suite struct ResourceTests {
  private func record(_ pid: Int32) throws -> ProcessRecord {
    var record = ProcessRecord(pid: Int(pid))
    ProcessResources.read(try ProcessDirectory(pid: pid), into: &record)
    return record
  }

  @Test func limitsAreThoseThatWereSet() throws {
    let program = try Places.native("threads")
    let fixture = try Fixture(words: [
      "sh", "-c", "ulimit -Sn 77; ulimit -Ss 2048; ulimit -Sv 9000000; exec \"$0\" 1 3", program,
    ])
    let limits = try #require(try record(fixture.pid).limits)
    #expect(limits.openFiles == 77)
    #expect(limits.stackBytes == 2048 << 10)
    #expect(limits.addressSpaceBytes == 9_000_000 << 10)
  }

  @Test func whatIsUnlimitedIsLeftOut() {
    let text = """
      Limit                     Soft Limit           Hard Limit           Units
      Max stack size            8388608              unlimited            bytes
      Max processes             unlimited            unlimited            processes
      Max open files            99999999999999999999 4096                 files
      """
    let limits = ProcessResources.limits(Array(text.utf8))
    #expect(limits.stackBytes == 8_388_608)
    #expect(limits.processes == nil && limits.addressSpaceBytes == nil && limits.openFiles == nil)
  }

  @Test func openFilesAreCounted() throws {
    let program = try Places.native("threads")
    let fixture = try Fixture(words: [
      "sh", "-c", "exec 3</dev/null 4</dev/null 9</dev/null; exec \"$0\" 1 3", program,
    ])
    let listed = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(fixture.pid)/fd")
    #expect(listed.count >= 6)
    #expect(try record(fixture.pid).openFiles == listed.count)
  }

  @Test func memoryIsTheKernels() throws {
    let fixture = try Fixture("threads", "1", "3")
    let use = try #require(try record(fixture.pid).memory)
    // In pages: size, resident, … (proc_pid_statm(5)).
    let text = String(decoding: try bytes(of: "/proc/\(fixture.pid)/statm"), as: UTF8.self)
    let pages = text.split(separator: " ").compactMap { Int($0) }
    #expect(use.virtualBytes == pages[0] * Int(getpagesize()))
    #expect(use.residentBytes == pages[1] * Int(getpagesize()))
  }

  private static let groups = ["/sys/fs/cgroup/memory", "/sys/fs/cgroup"]
    .first { access($0 + "/cgroup.procs", W_OK) == 0 }

  /// In a group of the test's own, with a limit.
  @Test(.enabled(if: geteuid() == 0 && groups != nil)) func aControlGroupsLimitAndUse() throws {
    let root = try #require(Self.groups)
    let isSecond = root == "/sys/fs/cgroup"
    let group = "\(root)/inquest-test-\(getpid())"
    guard mkdir(group, 0o755) == 0 else { return }
    defer { rmdir(group) }
    func write(_ text: String, _ name: String) throws {
      let file = open("\(group)/\(name)", O_WRONLY | O_CLOEXEC)
      defer { close(file) }
      guard Glibc.write(file, text, text.utf8.count) == text.utf8.count else {
        throw TestFailure("cannot write \(name): errno \(errno)")
      }
    }
    let limit = 64 << 20
    try write("\(limit)", isSecond ? "memory.max" : "memory.limit_in_bytes")
    let fixture = try Fixture("threads", "1", "3")
    try write("\(fixture.pid)", "cgroup.procs")
    let use = try #require(try record(fixture.pid).memory)
    #expect(use.groupLimitBytes == limit)
    #expect((use.groupBytes ?? -1) >= 0 && (use.groupBytes ?? .max) < limit)
    #expect(use.groupKills == 0)
    _ = try fixture.end()
  }
}
