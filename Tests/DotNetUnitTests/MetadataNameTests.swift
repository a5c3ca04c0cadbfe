import TestSupport
import Testing

@testable import DotNet

/// Names by metadata: Lines.cs says beside each line how a developer calls the method that it is in.
@Suite struct MetadataNameTests {
  private func reader(_ dll: [UInt8]) throws -> MetadataReader {
    let memory = BytesMemory(bytes: dll)
    let directory = try DebugDirectory(memory: memory, at: 0)
    let block = try #require(directory.metadata)
    return try MetadataReader(memory: memory, at: block.address, size: block.size)
  }

  @Test func framesHaveTheNamesThatTheSourceSays() throws {
    let lab = try Lab.made.get()
    let reader = try reader(lab.beside)
    let pdb = try PortablePDB(lab.pdb)
    var expected: [Int: String] = [:]
    let source = String(decoding: try bytes(of: Lab.source), as: UTF8.self)
    let lines = source.split(separator: "\n", omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() {
      if let match = line.firstMatch(of: /\/\*at (.+?)\*\//) {
        expected[index + 1] = String(match.1)
      }
    }
    var seen: Set<Int> = []
    for line in lab.traces[0].split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.count >= 6, let token = UInt32(words[0], radix: 16), let offset = Int(words[1]),
        let place = pdb.location(method: token, ilOffset: offset), let name = expected[place.line]
      else { continue }
      #expect(ManagedName.spoken("?", metadata: reader, token: token) == name)
      seen.insert(place.line)
    }
    #expect(seen.count == expected.count)
  }

  /// A raw name says nothing of what it cannot know; metadata does.
  @Test func metadataTellsWhatAStateMachineIs() throws {
    let lab = try Lab.made.get()
    let reader = try reader(lab.beside)
    var kinds: [String: StateMachineKind] = [:]
    for line in lab.members where line.hasPrefix("02") {
      let token = try #require(UInt32(line.prefix(8), radix: 16))
      if let kind = reader.stateMachineKind(ofType: token), let type = reader.type(token) {
        kinds[String(type.name.prefix { $0 != ">" }.dropFirst())] = kind
      }
    }
    #expect(
      kinds == [
        "Walk": .iterator, "Numbers": .iterator, "Fetch": .asynchronous, "Nested": .asynchronous,
        "Forget": .asynchronous,
      ])
  }

  /// What Roslyn compiled: the runtime's own library.
  @Test(arguments: [
    (
      "System.Threading.Tasks.Task/WhenAllPromise <Invoke>g__HandleTask|3_0",
      "System.Threading.Tasks.Task.WhenAllPromise.Invoke+HandleTask"
    ),
    (
      "System.Threading.SemaphoreSlim/<WaitUntilCountOrTimeoutAsync>d__31 MoveNext",
      "async System.Threading.SemaphoreSlim.WaitUntilCountOrTimeoutAsync"
    ),
    (
      "System.IO.Enumeration.FileSystemEnumerator`1<TResult> Dispose",
      "System.IO.Enumeration.FileSystemEnumerator<TResult>.Dispose"
    ),
    (
      "System.Collections.Generic.Dictionary`2<TKey,TValue>/Enumerator<TKey,TValue> MoveNext",
      "System.Collections.Generic.Dictionary<TKey, TValue>.Enumerator.MoveNext"
    ),
    (
      "System.Buffers.SharedArrayPool`1<T>/<>c<T> <InitializeTlsBucketsAndTrimming>b__",
      "System.Buffers.SharedArrayPool<T>.InitializeTlsBucketsAndTrimming+lambda"
    ),
    ("System.Array ConvertAll<TInput,TOutput>", "System.Array.ConvertAll<TInput, TOutput>"),
    (
      "System.Threading.ThreadPool/<GetQueuedWorkItems>d__26 MoveNext",
      "System.Threading.ThreadPool.GetQueuedWorkItems+MoveNext"
    ),
  ])
  func namesOfTheCoreLibrary(_ member: String, _ name: String) throws {
    let (reader, members) = try Self.core.get()
    let line = members.first { $0.dropFirst(9).hasPrefix(member) }
    guard let line, let token = UInt32(line.prefix(8), radix: 16) else {
      Issue.record("\(member) is not in it")
      return
    }
    #expect(ManagedName.spoken("?", metadata: reader, token: token) == name)
  }

  nonisolated(unsafe) private static let core = Result {
    let path = Lab.Library.core8.path
    let memory = BytesMemory(bytes: try bytes(of: path))
    let block = try #require(try DebugDirectory(memory: memory, at: 0).metadata)
    return (
      try MetadataReader(memory: memory, at: block.address, size: block.size),
      try Lab.Library.core8.members
    )
  }
}
