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
}

/// The one buffer that all containers of an encoding write into.
final class JSONSink {
  var bytes: [UInt8] = []
  /// The bracket that the value being encoded has opened and that must be closed when it returns.
  var open: UInt8 = 0

  func write<T: Encodable>(_ value: T) {
    // The three most frequent types skip the container machinery.
    if T.self == HexNumber.self, let hex = value as? HexNumber {
      writeHex(hex.value)
      return
    }
    if T.self == String.self, let text = value as? String {
      writeString(text)
      return
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

  func writeRaw(_ text: StaticString) {
    text.withUTF8Buffer { bytes.append(contentsOf: $0) }
  }

  func writeInteger(_ value: some BinaryInteger) {
    bytes.append(contentsOf: String(value).utf8)
  }

  /// Two or more decimals are noise in a report whose only fractions are milliseconds and seconds.
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

  private func writeHex(_ value: UInt64) {
    writeRaw("\"0x")
    var started = false
    for shift in stride(from: 60, through: 0, by: -4) {
      let digit = UInt8(truncatingIfNeeded: (value >> UInt64(shift)) & 0xf)
      if digit == 0, !started, shift != 0 { continue }
      started = true
      bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
    }
    bytes.append(UInt8(ascii: "\""))
  }

  /// Quotes, backslashes and control characters escaped (RFC 8259, section 7); invalid UTF-8 cannot
  /// occur, since a Swift string has replaced it already.
  func writeString(_ text: String) {
    bytes.append(UInt8(ascii: "\""))
    for unit in text.utf8 {
      switch unit {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(unit)
      case 0x0a: writeRaw("\\n")
      case 0x0d: writeRaw("\\r")
      case 0x09: writeRaw("\\t")
      // U+007F is legal in JSON, yet no terminal should get it raw.
      case 0..<0x20, 0x7f:
        writeRaw("\\u00")
        let hex = Array("0123456789abcdef".utf8)
        bytes.append(hex[Int(unit >> 4)])
        bytes.append(hex[Int(unit & 15)])
      default: bytes.append(unit)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }
}
