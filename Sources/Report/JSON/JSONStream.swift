/// Writes any `Encodable` value as JSON, keys in the order in which the value encodes them.
///
/// The report's keys have a documented order, with what matters most first, so that a truncated file
/// is still useful; Foundation's encoder keeps no order. Bytes go straight into one buffer, with no
/// tree in between, because a report of 3,000 threads has some hundred thousand values.
///
/// Values that nest by hand (`nestedContainer`, `superEncoder`) are not supported: no type of the
/// report needs them.
public struct JSONStream {
  /// The JSON text of `value`, UTF-8, on one line.
  ///
  /// Never fails for the types of this module: they encode no non-finite numbers and nest no
  /// containers by hand.
  public static func encode(_ value: some Encodable) -> [UInt8] {
    let sink = JSONSink()
    sink.write(value)
    return sink.bytes
  }

  /// The same of a thread, after what `bytes` holds already.
  public static func append(_ thread: ThreadRecord, to bytes: inout [UInt8]) {
    bytes.append(thread)
  }

  /// The same of a thread whose list of frames somebody else appends.
  public static func append(
    _ thread: ThreadRecord, to bytes: inout [UInt8], writeFrames: (inout [UInt8]) -> Void
  ) {
    bytes.append(thread, writeFrames: writeFrames)
  }
}

/// The one buffer that all containers of an encoding write into.
final class JSONSink {
  var bytes: [UInt8] = []
  /// The bracket that the value being encoded has opened and that must be closed when it returns.
  var open: UInt8 = 0

  func write<T: Encodable>(_ value: T) {
    // The most frequent types skip the container machinery.
    if T.self == HexNumber.self {
      return bytes.append(hex: unsafeBitCast(value, to: HexNumber.self))
    }
    if T.self == String.self { return bytes.append(string: unsafeBitCast(value, to: String.self)) }
    if T.self == [Frame].self { return bytes.append(unsafeBitCast(value, to: [Frame].self)) }
    if T.self == [MapRecord].self {
      return bytes.append(unsafeBitCast(value, to: [MapRecord].self))
    }
    if T.self == ThreadRecord.self {
      return bytes.append(unsafeBitCast(value, to: ThreadRecord.self))
    }
    let outer = open
    open = 0
    do {
      try value.encode(to: JSONStreamEncoder(sink: self))
    } catch {
      // Only a type that refuses to encode itself gets here; the report must stay valid JSON.
      if open == 0 { writeRaw("null") }
    }
    switch open {
    case UInt8(ascii: "{"): bytes.append(UInt8(ascii: "}"))
    case UInt8(ascii: "["): bytes.append(UInt8(ascii: "]"))
    default: break
    }
    open = outer
  }

  func writeRaw(_ text: StaticString) { bytes.append(raw: text) }

  func writeInteger(_ value: some BinaryInteger) {
    bytes.append(contentsOf: String(value).utf8)
  }

  func writeString(_ text: String) { bytes.append(string: text) }

  /// More than three decimals are noise in a report whose only fractions are milliseconds and seconds.
  func writeDouble(_ value: Double) {
    guard value.isFinite else { return writeRaw("0") }
    let thousandths = (value * 1000).rounded()
    if abs(thousandths) < 1e15 {
      let scaled = Int64(thousandths)
      if scaled < 0 { bytes.append(UInt8(ascii: "-")) }
      let (whole, rest) = scaled.magnitude.quotientAndRemainder(dividingBy: 1000)
      writeInteger(whole)
      guard rest != 0 else { return }
      bytes.append(UInt8(ascii: "."))
      var digits = String(rest)
      while digits.utf8.count < 3 { digits = "0" + digits }
      while digits.hasSuffix("0") { digits.removeLast() }
      bytes.append(contentsOf: digits.utf8)
    } else {
      bytes.append(contentsOf: "\(value)".utf8)
    }
  }
}

/// JSON's simple values.
extension [UInt8] {
  mutating func append(raw text: StaticString) {
    append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  mutating func append(hex number: HexNumber) {
    // A quote, 0x, and at most 16 digits.
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { text in
      var at = 19
      text[at] = UInt8(ascii: "\"")
      var rest = number.value
      repeat {
        let digit = UInt8(truncatingIfNeeded: rest & 15)
        at -= 1
        text[at] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
        rest >>= 4
      } while rest != 0
      append(raw: "\"0x")
      append(contentsOf: UnsafeBufferPointer(rebasing: text[at...]))
    }
  }

  mutating func append(number: Int) {
    if (0..<10).contains(number) {
      append(UInt8(ascii: "0") + UInt8(number))
    } else {
      append(contentsOf: String(number).utf8)
    }
  }

  /// Quotes, backslashes and control characters escaped (RFC 8259, section 7); invalid UTF-8 cannot
  /// occur, since a Swift string has replaced it already.
  mutating func append(string text: String) {
    var text = text
    append(UInt8(ascii: "\""))
    text.withUTF8 { units in
      // U+007F is legal in JSON, yet no terminal should get it raw.
      let isPlain = units.allSatisfy {
        $0 >= 0x20 && $0 != 0x7f && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
      }
      if isPlain { append(contentsOf: units) } else { for unit in units { append(escaping: unit) } }
    }
    append(UInt8(ascii: "\""))
  }

  private mutating func append(escaping unit: UInt8) {
    switch unit {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"):
      append(UInt8(ascii: "\\"))
      append(unit)
    case 0x0a: append(raw: "\\n")
    case 0x0d: append(raw: "\\r")
    case 0x09: append(raw: "\\t")
    case 0..<0x20, 0x7f:
      append(raw: "\\u00")
      let hex = Array("0123456789abcdef".utf8)
      append(hex[Int(unit >> 4)])
      append(hex[Int(unit & 15)])
    default: append(unit)
    }
  }
}
