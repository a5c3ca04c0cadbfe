import Inferior
import Memory
import Symbols
import Unwinding

/// Debug files from servers, where the user has asked for that.
extension Worker {
  /// Fetches the debug files that this machine lacks, and says again what they know more.
  ///
  /// - Parameters:
  ///   - bare: the images without debug information, by position.
  ///   - nameless: those of which it has not been told that nothing is known.
  func complete(
    _ examination: Examination, _ walks: [Walk], _ symbols: [UInt64: Symbol],
    _ lines: [UInt64: CodePlace], bare: [Int], nameless: [(image: Int, problem: ImageProblem)]
  ) {
    var start = begin(.debuginfod)
    let third = Instant.now.advanced(byMilliseconds: deadline.milliseconds(since: .now) / 3)
    let isSkipped = bare.isEmpty || skipped.contains(.debuginfod)
    let client = isSkipped ? nil : debuginfod(until: third)
    let fetched = client.map { fetch(bare, examination, $0) } ?? []
    end(start)

    start = begin(.lines)
    var (symbols, lines) = (symbols, lines)
    var stillNameless = Set(nameless.map(\.image))
    if let client, !fetched.isEmpty {
      let symbolizer = symbolizer(examination) { client.open($0) }
      let addresses = Examination.addresses(walks).filter { address in
        examination.images.index(containing: address).map(fetched.contains) ?? false
      }
      let named = symbolizer.resolve(
        addresses, in: examination.images, isPastDeadline: { Instant.now > deadline })
      symbols.merge(named.symbols) { $1 }
      stillNameless.subtract(fetched.subtracting(named.problems.map(\.image)))
      lines.merge(findLines(addresses, examination, symbolizer).0) { $1 }
      sendThreads(
        examination, walks, examination.builder(symbols: symbols, lines: lines), isLast: true
      ) { $0.steps.contains { addresses.contains($0.lookupAddress) } }
    }
    limitSymbols(nameless.filter { stillNameless.contains($0.image) }, examination)
    end(start)
  }

  private func debuginfod(until end: Instant) -> DebuginfodClient? {
    do throws(DebuginfodClient.Problem) {
      return try DebuginfodClient(until: end)
    } catch {
      let (problem, remedy) =
        switch error {
        case .noServers:
          (
            "DEBUGINFOD_URLS names no server to fetch debug files from",
            "set it to your distribution's server: on Debian https://debuginfod.debian.net"
          )
        case .noProgram:
          ("debuginfod-find is not in PATH", "install it: on Debian the package debuginfod")
        case .noCache(let path):
          (
            "debuginfod-find cannot keep files in \(path)",
            "set DEBUGINFOD_CACHE_PATH to a directory that can be written"
          )
        }
      limit(.debuginfod, problem: problem, effect: Stage.debuginfod.effect, remedy: remedy)
      return nil
    }
  }

  /// - Returns: those of the images whose debug file is there now.
  private func fetch(
    _ bare: [Int], _ examination: Examination, _ client: DebuginfodClient
  ) -> Set<Int> {
    var fetched: Set<Int> = []
    var missing: [(problem: String, remedy: String?, paths: [String])] = []
    for index in bare {
      let image = examination.images.images[index]
      guard image.kind == .elf, let buildID = image.buildID else { continue }
      let answer = client.ask(buildID)
      if case .file = answer,
        client.open(buildID).map({ Symbolizer.isFile($0, ofBuild: buildID) }) == true
      {
        fetched.insert(index)
        continue
      }
      let (problem, remedy) = Self.words(answer)
      if let known = missing.firstIndex(where: { $0.problem == problem }) {
        missing[known].paths.append(image.path)
      } else {
        missing.append((problem, remedy, [image.path]))
      }
    }
    for (problem, remedy, paths) in missing {
      let rest = paths.count > Self.mostPaths ? " and \(paths.count - Self.mostPaths) more" : ""
      limit(
        .debuginfod,
        problem: "\(problem): \(paths.prefix(Self.mostPaths).joined(separator: ", "))\(rest)",
        effect: Stage.debuginfod.effect, remedy: remedy)
    }
    return fetched
  }

  /// Files that a limitation names, at most.
  private static let mostPaths = 5

  /// Why there is no debug file, and what would help.
  private static func words(_ answer: DebuginfodClient.Answer) -> (problem: String, remedy: String?)
  {
    switch answer {
    case .file:
      (
        "what the server sent is no debug file of this build",
        "tell whoever runs the server; the file is also in the cache of debuginfod-find"
      )
    case .unknown:
      ("no server gave the debug file", "install the package with its debug information")
    case .outOfTime: ("the servers took too long", "raise INQUEST_TIMEOUT or --timeout")
    case .notAsked: ("too many files to ask the servers for", nil)
    case .failed(let words):
      ("debuginfod-find: \(words)", "see whether the servers in DEBUGINFOD_URLS can be reached")
    }
  }
}
