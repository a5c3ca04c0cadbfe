import TestSupport
import Testing

/// Something that a program can see, if it looks for it, and that cannot be helped; Tests/Contract/differences.c
/// says why. Each line that differs, all others being the same.
struct Difference: Sendable, CustomStringConvertible {
  var name: String
  var alone: [String]
  var caught: [String]
  /// With the shim alone, which catches only if told to.
  var isOfCatching = true
  var library: String? = nil

  var description: String { name }

  private static let fatal = [
    "SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGTRAP", "SIGSYS", "SIGABRT",
  ]

  static let all = [
    Difference(
      name: "environment-of-dumps", alone: [],
      caught: ["DOTNET_DbgEnableMiniDump=1", "COMPlus_DbgEnableMiniDump=1"], isOfCatching: false),
    Difference(
      name: "list-of-the-kernel", alone: fatal.map { "\($0) 0" }, caught: fatal.map { "\($0) 1" }),
    Difference(
      name: "action-past-the-library", alone: fatal.map { "\($0) default" },
      caught: fatal.map { "\($0) handler" }),
    Difference(
      name: "onstack-without-stack", alone: ["SIGUSR1 below main"], caught: ["SIGUSR1 elsewhere"]),
    Difference(name: "keys-left", alone: ["1024 keys"], caught: ["1023 keys"], library: "glibc"),
    Difference(name: "keys-left", alone: ["128 keys"], caught: ["127 keys"], library: "musl"),
    Difference(name: "traced-fault", alone: [], caught: ["child stopped by SIGSEGV"]),
    Difference(name: "traced-sent", alone: [], caught: ["child stopped by SIGFPE"]),
    Difference(name: "interrupted-init", alone: ["poll 1 none"], caught: ["poll -1 EINTR"]),
    Difference(
      name: "forbidden-clone", alone: ["fault killed by SIGSEGV, core"],
      caught: ["fault killed by SIGSYS, core"]),
    Difference(
      name: "refused-when-sent", alone: Array(repeating: "sent killed by SIGABRT, core", count: 3),
      caught: Array(repeating: "sent killed by SIGSEGV, core", count: 3)),
    Difference(
      name: "strict-mode-by-call", alone: ["fault killed by SIGSEGV, core"],
      caught: ["fault killed by SIGKILL"]),
    Difference(
      name: "stack-without-memory", alone: ["child killed by SIGABRT, core"],
      caught: ["child killed by SIGSEGV, core"]),
    Difference(
      name: "stack-without-room", alone: ["child killed by SIGFPE, core"],
      caught: ["child killed by SIGSEGV, core"]),
  ]
}

@Suite struct DifferencesTests {
  private func lines(_ behaviour: Behaviour, _ company: Behaviour.Company) throws -> [String] {
    let outcome = try behaviour.show(company)
    #expect(!outcome.text.contains("cannot be shown"), "\(outcome)")
    return outcome.visible.split(separator: "\n").map(String.init)
  }

  /// Each is as it is said to be. The rows of list-of-the-kernel show that signals are caught at all: without
  /// them, ContractTests would compare runs without the catcher.
  @Test(arguments: Difference.all, ["glibc", "musl"])
  func isAsKnown(_ known: Difference, _ library: String) throws {
    guard known.library == nil || known.library == library else { return }
    let behaviour = Behaviour(library: library, theme: "differences", name: known.name)
    let alone = try lines(behaviour, .alone)
    let preloaded = try lines(behaviour, .preloaded)
    let caught = try lines(behaviour, .caught)
    #expect(preloaded == (known.isOfCatching ? alone : caught))
    var (lost, added) = ([String](), [String]())
    for change in caught.difference(from: alone) {
      switch change {
      case .insert(_, let line, _): added.append(line)
      case .remove(_, let line, _): lost.append(line)
      }
    }
    #expect(Set(lost) == Set(known.alone) && lost.count == known.alone.count)
    #expect(Set(added) == Set(known.caught) && added.count == known.caught.count)
  }

  @Test func allAreKnown() {
    let rows = Set(Behaviour.listed(["differences"]).map(\.name))
    #expect(rows == Set(Difference.all.map(\.name)))
  }
}
