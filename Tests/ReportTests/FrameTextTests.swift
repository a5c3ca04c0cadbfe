import Report
import Testing

/// What is written without an encoder is what the encoder would write.
@Suite struct FrameTextTests {
  private func frames(sp: UInt64) -> [Frame] {
    var inlined = Frame(kind: .inlined, trust: .cfi, ip: 0x4021, sp: HexNumber(sp))
    inlined.function = #"leaf("a\b")"#
    inlined.file = "/src/a\u{7}.h"
    inlined.line = 3
    var function = Frame(kind: .native, trust: .cfi, ip: 0x4021, sp: HexNumber(sp))
    function.stack = .alternate
    (function.module, function.moduleOffset) = (0, 0x21)
    (function.signalFrame, function.plumbing) = (true, true)
    return [inlined, function]
  }

  @Test(arguments: [0, 0x7ffd_0010, UInt64.max])
  func aTextWithItsStackPointerIsTheFrames(sp: UInt64) {
    let text = FrameText(frames(sp: 0x1234_5678))
    var bytes = Array("[".utf8)
    text.append(stackPointer: HexNumber(sp), to: &bytes)
    bytes.append(UInt8(ascii: "]"))
    #expect(bytes == JSONStream.encode(frames(sp: sp)))
  }

  @Test func noFramesAreNoText() {
    var bytes: [UInt8] = []
    FrameText([]).append(stackPointer: 1, to: &bytes)
    #expect(bytes.isEmpty)
  }

  @Test func aListOfMappingsIsTheMappings() {
    let maps = [
      MapRecord(start: 0, end: 0x1000, permissions: "---p", offset: 0),
      MapRecord(
        start: 0x1000, end: .init(UInt64.max), permissions: "rw-p", offset: 0x2000,
        path: "/a \"b\"\n", fault: true),
    ]
    // One by one they take the encoder's way.
    let each = maps.map { String(decoding: JSONStream.encode($0), as: UTF8.self) }
    #expect(
      String(decoding: JSONStream.encode(maps), as: UTF8.self)
        == "[" + each.joined(separator: ",") + "]")
    #expect(JSONStream.encode([MapRecord]()) == Array("[]".utf8))
  }
}
