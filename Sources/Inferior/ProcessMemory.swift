import CLinux
public import Memory

/// The live memory of a process, through process_vm_readv(2) and a small cache of pages.
///
/// Nobody has to be stopped for it. Pages are cached as they were at their first reading: meant for
/// code, unwind tables and headers, which do not change.
public final class ProcessMemory: MemorySource {
  private let pid: Int32
  private static let pageSize = 4096
  private static let slots = 512
  private let pages: UnsafeMutableRawBufferPointer
  /// Which page a slot holds (its address; 1, which is no page's address, for none), and how much of it
  /// could be read, in bytes.
  private var tags = [UInt64](repeating: 1, count: slots)
  private var sizes = [Int](repeating: 0, count: slots)

  /// - Parameter pid: any living thread of the process: a leader that has exited reads nothing.
  public init(pid: Int32) {
    self.pid = pid
    pages = .allocate(byteCount: Self.slots * Self.pageSize, alignment: Self.pageSize)
  }

  deinit {
    pages.deallocate()
    if isRefused { close(file) }
  }

  public func read(_ address: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    if buffer.count >= Self.pageSize { return readDirectly(address, into: buffer) }
    var done = 0
    while done < buffer.count {
      let at = address &+ UInt64(done)
      let page = at & ~UInt64(Self.pageSize - 1)
      let slot = Int(truncatingIfNeeded: page >> 12) & (Self.slots - 1)
      let start = slot * Self.pageSize
      if tags[slot] != page {
        sizes[slot] = readDirectly(
          page, into: UnsafeMutableRawBufferPointer(rebasing: pages[start..<start + Self.pageSize]))
        tags[slot] = page
      }
      let offset = Int(at - page)
      let count = min(buffer.count - done, sizes[slot] - offset)
      if count <= 0 { break }
      let source = UnsafeRawBufferPointer(rebasing: pages[start + offset..<start + offset + count])
      UnsafeMutableRawBufferPointer(rebasing: buffer[done..<done + count]).copyMemory(from: source)
      done += count
    }
    return done
  }

  /// /proc/PID/mem, for kernels or seccomp filters that refuse process_vm_readv; -1 until it is needed.
  private lazy var file = inquest_openat(AT_FDCWD, "/proc/\(pid)/mem", O_RDONLY | O_CLOEXEC, 0)
  private var isRefused = false

  /// Past the cache: the memory as it is now.
  public func readDirectly(_ address: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
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
