import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Inferior

@Suite(.timeLimit(.minutes(5))) struct CoresTests {
  @Test(arguments: [(0, 1), (1, 1), (2, 1), (7, 3), (100, 1), (3001, 100), (5, 0)])
  func allOfItIsDoneOnce(count: Int, least: Int) {
    let done = Mutex<[Int]>([])
    Cores.share(count, atLeast: least) { part in done.withLock { $0 += part } }
    #expect(done.withLock { $0.sorted() } == Array(0..<count))
  }

  @Test func fewItemsAreWorthNoThread() {
    let threads = Mutex<Set<UInt>>([])
    func note(_: Range<Int>) { threads.withLock { _ = $0.insert(UInt(pthread_self())) } }
    Cores.share(199, atLeast: 100, note)
    #expect(threads.withLock { $0.count } == 1)
    guard Cores.count > 1 else { return }
    threads.withLock { $0.removeAll() }
    Cores.share(200, atLeast: 100) { part in
      note(part)
      // Both at once: a thread that has ended gives its id to the next.
      usleep(20_000)
    }
    #expect(threads.withLock { $0.count } == 2)
  }

  @Test func threadsAreCountedAndNamedInTheirOrder() throws {
    let fixture = try Fixture("threads", "300", "2")
    let directory = try ProcessDirectory(pid: fixture.pid)
    let ids = directory.threadIDs()
    let count = directory.threadCount()
    #expect(ids.count == 301 && count == 301)
    let wanted = ids + [Int32.max] + ids.reversed()
    let many = directory.threadNamesAndStates(wanted)
    #expect(many.count == wanted.count && many[301] == nil)
    for (id, found) in zip(wanted, many) {
      let one = directory.threadNameAndState(id)
      #expect(one?.name == found?.name)
    }
    let names = Set(many.compactMap { $0?.name })
    #expect(names.isSuperset(of: ["futex-0", "read-3"]))
    _ = try fixture.end()
    let left = directory.threadCount()
    #expect(left == nil)
  }
}
