import CLinux
public import Memory

/// The live memory of a process, through process_vm_readv(2) and a small cache of pages.
///
/// Nobody has to be stopped for it. Pages are cached as they were at their first reading: meant for
/// code, unwind tables and headers, which do not change.
public final class ProcessMemory: MemorySource {
  private let live: LiveMemory
  private let cache: PageCache

  /// - Parameter pid: any living thread of the process: a leader that has exited reads nothing.
  public init(pid: Int32) {
    live = LiveMemory(pid: pid)
    cache = PageCache(live)
  }

  public func read(_ address: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    cache.read(address, into: buffer)
  }

  /// Past the cache: the memory as it is now.
  public func readDirectly(_ address: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    live.read(address, into: buffer)
  }

  /// The same for many ranges, a thousand a system call.
  ///
  /// - Returns: for each how many of its bytes, from the first on, could be read.
  public func readDirectly(
    _ ranges: [(address: UInt64, buffer: UnsafeMutableRawBufferPointer)]
  ) -> [Int] {
    var counts: [Int] = []
    counts.reserveCapacity(ranges.count)
    while counts.count < ranges.count {
      let whole = live.readWhole(ranges[counts.count...])
      for range in ranges[counts.count..<counts.count + whole] { counts.append(range.buffer.count) }
      // The kernel stops at the first range that it cannot read to its end.
      guard whole < LiveMemory.batch, counts.count < ranges.count else { continue }
      let (address, buffer) = ranges[counts.count]
      counts.append(live.read(address, into: buffer))
    }
    return counts
  }
}

/// The same without a cache.
private final class LiveMemory: MemorySource {
  private let pid: Int32

  init(pid: Int32) { self.pid = pid }

  deinit {
    if isRefused { close(file) }
  }

  /// /proc/PID/mem, for kernels or seccomp filters that refuse process_vm_readv; -1 until it is needed.
  private lazy var file = inquest_openat(AT_FDCWD, "/proc/\(pid)/mem", O_RDONLY | O_CLOEXEC, 0)
  private var isRefused = false

  /// IOV_MAX (process_vm_readv(2)).
  static let batch = 1024

  /// Reads the first ``batch`` of `ranges`.
  ///
  /// - Returns: how many of them, from the first on, were read whole.
  func readWhole(
    _ ranges: ArraySlice<(address: UInt64, buffer: UnsafeMutableRawBufferPointer)>
  ) -> Int {
    if isRefused { return 0 }
    let ranges = ranges.prefix(Self.batch)
    let local = ranges.map { iovec(iov_base: $0.buffer.baseAddress, iov_len: $0.buffer.count) }
    let remote = ranges.map {
      iovec(
        iov_base: UnsafeMutableRawPointer(bitPattern: UInt($0.address)), iov_len: $0.buffer.count)
    }
    var left = process_vm_readv(pid, local, UInt(local.count), remote, UInt(remote.count), 0)
    var whole = 0
    for range in ranges where left >= range.buffer.count {
      left -= range.buffer.count
      whole += 1
    }
    return whole
  }

  func read(_ address: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    var done = 0
    // A range that ends in a hole gives a partial count first and then EFAULT.
    while done < buffer.count, let base = buffer.baseAddress {
      let at = address &+ UInt64(done)
      var count = -1
      if !isRefused {
        count = inquest_read_memory(pid, at, base + done, buffer.count - done)
        isRefused = count < 0 && (inquest_errno() == EPERM || inquest_errno() == ENOSYS)
      }
      if isRefused {
        count = pread(file, base + done, buffer.count - done, off_t(truncatingIfNeeded: at))
      }
      if count <= 0 { break }
      done += count
    }
    return done
  }
}
