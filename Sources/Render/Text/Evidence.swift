import FoundationEssentials
import Report

/// Looks up what the diagnoses point to.
struct Evidence {
  private var values: [String: String] = [:]

  init(of report: Report) {
    let pointers = Set(report.diagnoses.flatMap(\.evidence))
    guard !pointers.isEmpty else { return }
    let decoder = JSONDecoder()
    decoder.userInfo[Found.pointers] = Array(pointers)
    values = (try? decoder.decode(Found.self, from: Data(report.json)))?.values ?? [:]
  }

  /// The value at a JSON pointer (RFC 6901) in words; nil for what is not there.
  func value(at pointer: String) -> String? {
    values[pointer]
  }
}

/// Follows the pointers and decodes nothing else: a report may have some hundred thousand values.
private struct Found: Decodable {
  static let pointers = CodingUserInfoKey(rawValue: "pointers")!
  let values: [String: String]

  init(from decoder: any Decoder) throws {
    let pointers = decoder.userInfo[Self.pointers] as? [String] ?? []
    var values: [String: String] = [:]
    for pointer in pointers where pointer.hasPrefix("/") {
      let steps = pointer.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        .map { String($0).replacing("~1", with: "/").replacing("~0", with: "~") }
      values[pointer] = try? Self.value(steps[...], in: decoder)
    }
    self.values = values
  }

  private static func value(
    _ steps: ArraySlice<String>, in decoder: any Decoder
  ) throws -> String? {
    guard let step = steps.first else { return words(decoder) }
    if let members = try? decoder.container(keyedBy: Key.self) {
      return try value(
        steps.dropFirst(), in: members.superDecoder(forKey: Key(stringValue: step)))
    }
    var elements = try decoder.unkeyedContainer()
    guard let index = Int(step), index >= 0, index < elements.count ?? 0 else { return nil }
    for _ in 0..<index { _ = try elements.superDecoder() }
    return try value(steps.dropFirst(), in: elements.superDecoder())
  }

  private static func words(_ decoder: any Decoder) -> String? {
    if let members = try? decoder.container(keyedBy: Key.self) {
      // A frame is best known by its name.
      return try? members.decode(String.self, forKey: Key(stringValue: "function"))
    }
    guard let single = try? decoder.singleValueContainer() else { return nil }
    if let text = try? single.decode(String.self) { return text }
    if let flag = try? single.decode(Bool.self) { return "\(flag)" }
    if let number = try? single.decode(Int.self) { return "\(number)" }
    return (try? single.decode(Double.self)).map { "\($0)" }
  }

  private struct Key: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }
}
