import Foundation
import Memory
import TestSupport
import Testing

@testable import Unwinding

/// Which code .eh_frame and .debug_frame are about, against readelf, and what damaged ones do.
@Suite(.timeLimit(.minutes(5))) struct FrameSectionTests {
  /// The ranges of code that readelf lists, by section.
  private func ranges(of path: String) throws -> [String: [Range<UInt64>]] {
    var section = ""
    var ranges: [String: [Range<UInt64>]] = [:]
    // Without the instructions, which are many; without those of a debug file.
    let text = try output(
      of: ["sh", "-c", "readelf -wN -wf -W \"$0\" | grep -E ' FDE |^Contents'", path], timeout: 60)
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ")
      if words.first == "Contents" {
        section = String(words[3])
      } else if let range = words.first(where: { $0.hasPrefix("pc=") }) {
        let ends = range.dropFirst(3).split(separator: ".").compactMap { UInt64($0, radix: 16) }
        guard ends.count == 2 else { throw TestFailure("readelf said \(line)") }
        // Of functions that the linker has dropped.
        if ends[0] > 0, ends[0] < ends[1] { ranges[section, default: []].append(ends[0]..<ends[1]) }
      }
    }
    return ranges
  }

  /// A section's address and bytes.
  private func section(_ name: String, of path: String) throws -> (UInt64, [UInt8]) {
    let text = try output(of: ["readelf", "-SW", path])
    for line in text.split(separator: "\n") {
      let fields = line.split(separator: "]").last?.split(separator: " ") ?? []
      guard fields.count > 4, fields[0] == name else { continue }
      let numbers = fields[2...4].map { UInt64($0, radix: 16)! }
      let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
      try file.seek(toOffset: numbers[1])
      return (numbers[0], Array(try file.read(upToCount: Int(numbers[2])) ?? Data()))
    }
    throw TestFailure("no section \(name) in \(path)")
  }

  private func read(
    _ bytes: [UInt8], at address: UInt64, _ form: FrameSection.Form, endsAtZero: Bool = false
  ) -> [FrameSection.Description] {
    var found: [FrameSection.Description] = []
    FrameSection(
      memory: RegionMemory((address, bytes)), range: address..<address + UInt64(bytes.count),
      form: form, endsAtZero: endsAtZero
    ).forEach { description, _ in found.append(description) }
    return found
  }

  @Test(arguments: ["libc.so.6", "libstdc++.so.6", "libm.so.6", "libgcc_s.so.1"])
  func rangesOfLibraries(name: String) throws {
    let directory = ["/lib", "/usr/lib"].map { $0 + "/" + architecture() }
    let path = try #require(
      directory.map { $0 + "/" + name }.first { FileManager.default.fileExists(atPath: $0) })
    let (address, bytes) = try section(".eh_frame", of: path)
    let expected = try #require(ranges(of: path)[".eh_frame"])
    #expect(expected.count > 50)
    let found = read(bytes, at: address, .exceptionFrames).map { $0.start..<$0.start + $0.size }
    #expect(found == expected)
  }

  private func architecture() -> String {
    #if arch(x86_64)
      "x86_64-linux-gnu"
    #else
      "aarch64-linux-gnu"
    #endif
  }

  @Test func rangesOfDebugFrames() throws {
    let path = try Places.native("threads.debug_frame")
    let (_, bytes) = try section(".debug_frame", of: path)
    let expected = try #require(ranges(of: path)[".debug_frame"])
    #expect(expected.count > 10)
    let found = read(bytes, at: 0, .debugFrames).map { $0.start..<$0.start + $0.size }
    #expect(found == expected)
    let converted = DebugFrames(bytes, loadBias: 0)
    #expect(converted.descriptions.map(\.start) == expected.map(\.lowerBound))
    // What was made of it is .eh_frame, and about the same code.
    let again = read(converted.bytes, at: 0x1000, .exceptionFrames)
    #expect(again.map { $0.start..<$0.start + $0.size } == expected)
    #expect(again.map { Int($0.address) - 0x1000 } == converted.descriptions.map(\.offset))
  }

  private func builder() -> UnwindTableBuilder {
    var builder = UnwindTableBuilder(at: 0x40_0000)
    for index in 0..<20 {
      builder.add(start: 0x10_0000 + UInt64(index) * 64, size: 64, hasReturnAddress: index > 0)
    }
    return builder
  }

  @Test(arguments: [1, 3, 4] as [UInt8], [false, true])
  func formsOfDebugFrames(version: UInt8, is64: Bool) {
    let bytes = builder().debugFrames(bias: 0x1000, version: version, is64: is64)
    let found = read(bytes, at: 0, .debugFrames)
    #expect(found.map(\.start) == (0..<20).map { 0xf_f000 + $0 * 64 })
    #expect(found.allSatisfy { $0.size == 64 })
    let converted = DebugFrames(bytes, loadBias: 0x1000)
    #expect(converted.descriptions.map(\.start) == (0..<20).map { 0x10_0000 + $0 * 64 })
    #expect(read(converted.bytes, at: 0, .exceptionFrames).count == 20)
  }

  @Test func otherAddressSizesAndVersionsAreLeftOut() {
    let bytes = builder().debugFrames()
    for (offset, value) in [(10, 4), (11, 1), (8, 2), (8, 5)] as [(Int, UInt8)] {
      var other = bytes
      other[offset] = value
      #expect(read(other, at: 0, .debugFrames).count == 1, "the one with the other CIE")
    }
  }

  /// An empty entry ends a section of unknown length; of a known one it is what ld has left in between.
  @Test func emptyEntries() {
    let section = builder().section.bytes
    let twice = section + [0, 0, 0, 0] + section
    #expect(read(twice, at: 0x40_0000, .exceptionFrames).count == 40)
    #expect(read(twice, at: 0x40_0000, .exceptionFrames, endsAtZero: true).count == 20)
    #expect(read([UInt8](repeating: 0, count: 1 << 20), at: 0, .exceptionFrames).isEmpty)
  }

  @Test func lengthsThatLie() {
    let section = builder().section.bytes
    let last = section.count - 28
    for length in [UInt32(25), 0x7fff_ffff, 0xffff_fff0, 0xffff_ffff] {
      var other = section
      other.replaceSubrange(last..<last + 4, with: littleEndian(length))
      #expect(read(other, at: 0x40_0000, .exceptionFrames).count == 19)
    }
    for count in 0..<section.count {
      #expect(read(Array(section[..<count]), at: 0x40_0000, .exceptionFrames).count <= 20)
    }
  }

  /// A description whose CIE is itself, another description, or outside.
  @Test func pointersThatLie() {
    let section = builder().section.bytes
    let last = section.count - 28
    for pointer in [UInt32(4), 28, UInt32(last + 5), 0x8000_0000, 0xffff_ffff] {
      var other = section
      other.replaceSubrange(last + 4..<last + 8, with: littleEndian(pointer))
      #expect(read(other, at: 0x40_0000, .exceptionFrames).count == 19)
    }
  }

  /// Whatever the bytes are: it ends, and says nothing about what is outside.
  @Test(arguments: [FrameSection.Form.exceptionFrames, .debugFrames])
  func damagedSections(form: FrameSection.Form) {
    var random = Xorshift(seed: 0x5eed)
    let good = form == .debugFrames ? builder().debugFrames() : builder().section.bytes
    var usable = 0
    for _ in 0..<4000 {
      var bytes = good
      for _ in 0...random.below(6) {
        bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next())
      }
      let found = read(bytes, at: 0x40_0000, form)
      let end = 0x40_0000 + UInt64(bytes.count)
      for description in found {
        #expect(description.size > 0 && description.start > 0)
        #expect(description.rest.upperBound <= end && description.rest.lowerBound > 0x40_0000)
      }
      usable += found.count
      guard form == .debugFrames else { continue }
      let converted = DebugFrames(bytes, loadBias: 0)
      #expect(
        read(converted.bytes, at: 0, .exceptionFrames).count == converted.descriptions.count)
    }
    #expect(usable > 20_000, "most of what is whole is still read")
  }
}
