import TestSupport
import Testing

@testable import DotNet

/// Files and memory of a dying process may be cut, torn or made to harm. Nothing may trap (a trap ends the
/// test run), and what comes out stays within its limits.
@Suite struct HostileInputTests {
  /// Asks a reader everything. Returns how much it knew.
  private func exercise(_ reader: MetadataReader, tokens: some Sequence<UInt32>) -> Int {
    var answers = 0
    for row in tokens {
      if let method = reader.method(0x0600_0000 | row) {
        answers += 1
        let names =
          [method.name] + method.typeParameters + method.parameters
          + method.types.flatMap { [$0.name, $0.namespace] + $0.typeParameters }
        #expect(names.allSatisfy { $0.utf8.count <= 3 * MetadataReader.nameLimit })
        #expect(names.count <= 2048)
        let spoken = ManagedName.spoken("?", metadata: reader, token: method.token)
        #expect(spoken.utf8.count <= ManagedName.limit)
      }
      if reader.type(0x0200_0000 | row) != nil { answers += 1 }
      answers += reader.interfaces(ofType: 0x0200_0000 | row).count
      answers += reader.fields(ofType: 0x0200_0000 | row).count
    }
    if reader.assemblyName != nil { answers += 1 }
    if reader.mvid != nil { answers += 1 }
    return answers
  }

  /// Asks a PDB for lines. Returns how many it had.
  private func exercise(_ pdb: PortablePDB, tokens: some Sequence<UInt32>) -> Int {
    var answers = 0
    for row in tokens {
      if let place = pdb.location(method: 0x0600_0000 | row, ilOffset: 20) {
        answers += 1
        #expect(place.file.utf8.count <= 3 * 4096 && place.line > 0 && place.line < 0x2000_0000)
      }
    }
    return answers
  }

  private func exercise(directory bytes: [UInt8]) -> Int {
    let memory = BytesMemory(bytes: bytes)
    guard let directory = try? DebugDirectory(memory: memory, at: 0) else { return 0 }
    var answers = 1
    #expect((directory.codeView?.path.utf8.count ?? 0) <= 3 * 4097)
    if let block = directory.metadata,
      let reader = try? MetadataReader(memory: memory, at: block.address, size: block.size)
    {
      answers += exercise(reader, tokens: [3])
    }
    if let block = directory.embedded, (try? EmbeddedPDB.bytes(block, in: memory)) != nil {
      answers += 1
    }
    return answers
  }

  /// The metadata block of the fixture.
  private func metadata() throws -> [UInt8] {
    let dll = try Lab.made.get().beside
    let directory = try DebugDirectory(memory: BytesMemory(bytes: dll), at: 0)
    let block = try #require(directory.metadata)
    return Array(dll[Int(block.address)..<Int(block.address) + block.size])
  }

  // MARK: Cut off

  @Test(.timeLimit(.minutes(5))) func metadataMayEndAnywhere() throws {
    let whole = try metadata()
    let all = exercise(
      try MetadataReader(memory: BytesMemory(bytes: whole), at: 0, size: whole.count),
      tokens: 1...70)
    #expect(all > 130)
    for count in 0..<whole.count {
      let memory = BytesMemory(bytes: Array(whole[..<count]))
      // Cut in the file, and cut in memory, where the size said otherwise.
      if let reader = try? MetadataReader(memory: memory, at: 0, size: whole.count) {
        #expect(exercise(reader, tokens: [1, 3, 9, 20]) <= all)
      }
      #expect(throws: MetadataError.self) {
        try MetadataReader(memory: memory, at: 0, size: count)
      }
    }
  }

  @Test(.timeLimit(.minutes(5))) func aPDBMayEndAnywhere() throws {
    let whole = try Lab.made.get().pdb
    #expect(exercise(try PortablePDB(whole), tokens: 1...70) > 30)
    for count in 0..<whole.count {
      #expect(throws: PDBError.self) { try PortablePDB(Array(whole[..<count])) }
    }
  }

  @Test(.timeLimit(.minutes(5))) func anAssemblyMayEndAnywhere() throws {
    for dll in try [Lab.made.get().embedded, PEFile(Lab.made.get().beside).loaded] {
      #expect(exercise(directory: dll) > 1)
      for count in stride(from: 0, to: dll.count, by: count(1024, dll.count)) {
        _ = exercise(directory: Array(dll[..<count]))
      }
      for count in 0..<1024 { _ = exercise(directory: Array(dll[..<count])) }
    }
  }

  private func count(_ wanted: Int, _ all: Int) -> Int { max(1, all / wanted) }

  // MARK: Changed

  /// Calls `body` with `count` changed copies of `bytes`; returns the sum of what it returned.
  private func mutations(
    of bytes: [UInt8], count: Int, seed: UInt64, _ body: ([UInt8]) -> Int
  ) -> Int {
    var random = Xorshift(seed: seed)
    var sum = 0
    for _ in 0..<count {
      var changed = bytes
      for _ in 0...random.below(3) {
        // Heads matter most: half of the changes are there.
        let reach = random.below(2) == 0 ? min(600, bytes.count) : bytes.count
        let at = random.below(reach)
        switch random.below(5) {
        case 0: changed[at] = 0
        case 1: changed[at] = 0xff
        case 2: changed[at] ^= 1 << UInt8(random.below(8))
        case 3:
          for index in at..<min(at + 4, bytes.count) { changed[index] = 0xff }
        default: changed[at] = UInt8(random.below(256))
        }
      }
      sum += body(changed)
    }
    return sum
  }

  @Test(.timeLimit(.minutes(5))) func changedMetadataIsReadWithinLimits() throws {
    let whole = try metadata()
    let answers = mutations(of: whole, count: 10_000, seed: 1) { bytes in
      let memory = BytesMemory(bytes: bytes)
      guard let reader = try? MetadataReader(memory: memory, at: 0, size: bytes.count) else {
        return 0
      }
      return exercise(reader, tokens: [3, 9])
    }
    #expect(answers > 10_000)
  }

  @Test(.timeLimit(.minutes(5))) func changedPDBsAreReadWithinLimits() throws {
    let answers = mutations(of: try Lab.made.get().pdb, count: 30_000, seed: 2) { bytes in
      guard let pdb = try? PortablePDB(bytes) else { return 0 }
      return exercise(pdb, tokens: [3, 0x23, 0x3a])
    }
    #expect(answers > 10_000)
  }

  @Test(.timeLimit(.minutes(5))) func changedAssembliesAreReadWithinLimits() throws {
    let answers = mutations(of: try Lab.made.get().embedded, count: 10_000, seed: 3) {
      exercise(directory: $0)
    }
    #expect(answers > 10_000)
  }

  @Test(.timeLimit(.minutes(5))) func changedNamesStayNames() {
    let names = [
      "Shop.Basket`1+Drawer`1[[System.__Canon, CoreLib],[System.Int32[,], X]].Open[[A.B`1[[C, X]], X]](T)",
      "Program+<>c__DisplayClass3_0+<<Run>b__1>d.MoveNext()",
      "N.<Program>F0123__Till+<<Main>$>d__0`1[[System.Int32, X]].<Main>g__Local|0_1(Int32 ByRef)",
      "Shop.Lines+<Nested>c__async1+<Nested>c__AnonStorey4.<>m__0(System.Action`1[[X, Y]])",
    ]
    let alphabet = Array("<>[](),.+`|\\$_&*0d9bmg é\0".utf8)
    var random = Xorshift(seed: 4)
    var changed = 0
    for round in 0..<60_000 {
      var bytes = Array(names[round % names.count].utf8)
      for _ in 0...random.below(4) {
        let at = random.below(bytes.count)
        switch random.below(3) {
        case 0: bytes[at] = alphabet[random.below(alphabet.count)]
        case 1: bytes.insert(alphabet[random.below(alphabet.count)], at: at)
        default: bytes.removeSubrange(at..<min(at + random.below(20), bytes.count))
        }
        if bytes.isEmpty { bytes = [0x2e] }
      }
      let raw = String(decoding: bytes, as: UTF8.self)
      let name = ManagedName.spoken(raw)
      if name.utf8.count > 2 * raw.utf8.count + 16 { Issue.record("\(raw) became \(name)") }
      if ManagedName.isPlumbing(raw) { Issue.record("\(raw) is no plumbing") }
      if name != raw { changed += 1 }
    }
    #expect(changed > 20_000)
  }

  /// Sizes and addresses at the ends of their ranges.
  @Test func addressesAtTheEndOfMemoryAreNoTrap() throws {
    let whole = try metadata()
    let dll = try Lab.made.get().beside
    for distance in stride(from: 0, through: 400, by: 3) {
      let base = UInt64.max - UInt64(distance)
      let memory = RegionMemory((base, Array(whole.prefix(distance + 1))))
      _ = try? MetadataReader(memory: memory, at: base, size: distance)
      _ = try? MetadataReader(memory: memory, at: base, size: .max)
      _ = try? DebugDirectory(
        memory: RegionMemory((base, Array(dll.prefix(distance + 1)))), at: base)
    }
    for size in [Int.min, -1, 0, 1, 19, Int.max] {
      #expect(throws: MetadataError.self) {
        try MetadataReader(memory: BytesMemory(bytes: []), at: 0, size: size)
      }
    }
  }
}
