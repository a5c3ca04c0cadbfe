import TestSupport
import Testing

@testable import DotNet

@Suite struct MetadataTests {
  private func reader(_ dll: [UInt8]) throws -> MetadataReader {
    let memory = BytesMemory(bytes: dll)
    let directory = try DebugDirectory(memory: memory, at: 0)
    let block = try #require(directory.metadata)
    return try MetadataReader(memory: memory, at: block.address, size: block.size)
  }

  /// Compares with what Cecil said; returns how many members there were.
  private func compare(_ reader: MetadataReader, _ members: some Sequence<Substring>) -> Int {
    func list(_ names: [String]) -> String {
      names.isEmpty ? "" : "<" + names.joined(separator: ",") + ">"
    }
    var count = 0
    for line in members {
      guard let token = UInt32(line.prefix(8), radix: 16) else { continue }
      count += 1
      let ours: String
      switch token >> 24 {
      case 0x02:
        let name = reader.type(token)?.fullName ?? "?"
        let interfaces = reader.interfaces(ofType: token).joined(separator: ",")
        ours = "\(name) : \(interfaces)"
      case 0x04: ours = reader.field(token)?.name ?? "?"
      default:
        guard let facts = reader.method(token) else {
          Issue.record("\(line) is missing")
          continue
        }
        let types = facts.types.map { $0.fullName + list($0.typeParameters) }
        ours =
          types.joined(separator: "/") + " \(facts.name)\(list(facts.typeParameters)) "
          + facts.parameters.joined(separator: ",")
      }
      // Cecil also counts parameters without a name, which have no row.
      func trimmed(_ text: some StringProtocol) -> String {
        var text = String(text)
        while text.last == "," { text.removeLast() }
        return text
      }
      #expect(trimmed(ours) == trimmed(line.dropFirst(9)))
    }
    return count
  }

  @Test func membersAreThoseThatCecilReads() throws {
    let lab = try Lab.made.get()
    #expect(compare(try reader(lab.beside), lab.members) > 100)
  }

  /// Of all sizes: how wide a column is depends on how many rows there are of what it points to.
  @Test(.timeLimit(.minutes(5)), arguments: Lab.Library.allCases)
  func membersOfLibrariesToo(_ library: Lab.Library) throws {
    let members = try library.members
    let step = max(1, members.count / 3000)
    let some = stride(from: 0, to: members.count, by: step).lazy.map { members[$0] }
    #expect(compare(try reader(try bytes(of: library.path)), some) >= min(members.count, 3000))
  }

  @Test func fieldsAreListedByType() throws {
    let lab = try Lab.made.get()
    let reader = try reader(lab.beside)
    var listed = 0
    for line in lab.members where line.hasPrefix("02") {
      let token = try #require(UInt32(line.prefix(8), radix: 16))
      let fields = reader.fields(ofType: token)
      let start = try #require(lab.members.firstIndex(of: line))
      let expected = lab.members[(start + 1)...].prefix { $0.hasPrefix("04") }
      #expect(fields.map(\.name) == expected.map { String($0.dropFirst(9)) })
      listed += fields.count
    }
    #expect(listed > 20)
    let calls = try #require(lab.members.first { $0.hasSuffix(" calls") })
    let token = try #require(UInt32(calls.prefix(8), radix: 16))
    #expect(reader.field(token)?.isStatic == true)
  }

  @Test func theModuleSaysWhatItIs() throws {
    let lab = try Lab.made.get()
    let reader = try reader(lab.beside)
    #expect(reader.assemblyName == "Lines")
    let mvid = try #require(reader.mvid)
    #expect(Set(mvid).count > 4)
    // Cecil keeps it: the other conversion of the same assembly has it too.
    #expect(try self.reader(lab.embedded).mvid == mvid)
    #expect(try self.reader(lab.bare).mvid != mvid)
  }

  @Test func tokensThatItDoesNotHaveAreNil() throws {
    let reader = try reader(Lab.made.get().beside)
    for token: UInt32 in [0, 0x0600_0000, 0x06ff_ffff, 0x02ff_ffff, 0x0a00_0001, .max] {
      #expect(reader.method(token) == nil)
      #expect(reader.type(token) == nil)
      #expect(reader.field(token) == nil)
      #expect(reader.interfaces(ofType: token).isEmpty)
      #expect(reader.fields(ofType: token).isEmpty)
    }
  }
}
