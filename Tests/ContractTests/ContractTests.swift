import TestSupport
import Testing

/// A program under the shim behaves as one without it.
@Suite struct ContractTests {
  @Test(arguments: Behaviour.listed()) func isTheSame(_ behaviour: Behaviour) throws {
    let alone = try behaviour.show(.alone)
    // 98: it could not be shown here, which would be the same with anything.
    #expect(alone.status != 98 && !alone.text.contains("cannot be shown"), "\(alone)")
    #expect(alone.status != 99, "no such behaviour")
    for company in [Behaviour.Company.preloaded, .caught] {
      let outcome = try behaviour.show(company)
      #expect(outcome.visible == alone.visible, "\(company)")
    }
  }

  /// None of the table may get lost, by a program that is not built or a row that is taken out.
  @Test func tableIsComplete() throws {
    let rows = Behaviour.listed()
    let glibc = Set(rows.filter { $0.library == "glibc" }.map(\.title))
    let musl = Set(rows.filter { $0.library == "musl" }.map(\.title))
    #expect(glibc.count >= 150, "run \"make fixtures\", or set INQUEST_TEST_FIXTURES")
    #expect(musl.isSubset(of: glibc))
    // What musl has not: C++ here, other names of signal, contexts, an allocator that tells.
    let missing = glibc.subtracting(musl).filter { !$0.hasPrefix("cxx ") }
    #expect(
      missing == [
        "actions other-names-of-signal", "onstack left-by-swapcontext",
        "onstack fault-in-coroutine",
        "exits double-free",
      ])
  }

  /// The comparison sees what it is to compare: two behaviours differ, in each of their parts.
  @Test func differencesAreSeen() throws {
    func shown(_ name: String) throws -> String {
      try Behaviour(library: "glibc", theme: "exits", name: name).show(.alone).visible
    }
    let ends = try ["die-segv", "die-bus", "die-kill", "own-exit-code", "assertion"].map(shown)
    #expect(Set(ends).count == ends.count)
    #expect(ends[0] == "\nsignal 11, core")
    #expect(ends[3] == "\nstatus 139")
  }
}
