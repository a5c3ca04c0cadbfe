/// The `Encoder` face of ``JSONSink``: containers that write as they are called.
struct JSONStreamEncoder: Encoder {
  let sink: JSONSink
  var codingPath: [any CodingKey] { [] }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    sink.open = UInt8(ascii: "{")
    sink.bytes.append(sink.open)
    return KeyedEncodingContainer(KeyedJSON<Key>(sink: sink))
  }

  func unkeyedContainer() -> any UnkeyedEncodingContainer {
    sink.open = UInt8(ascii: "[")
    sink.bytes.append(sink.open)
    return UnkeyedJSON(sink: sink)
  }

  func singleValueContainer() -> any SingleValueEncodingContainer {
    SingleJSON(sink: sink)
  }
}

private struct KeyedJSON<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let sink: JSONSink
  var first = true
  var codingPath: [any CodingKey] { [] }

  init(sink: JSONSink) {
    self.sink = sink
  }

  private mutating func key(_ key: Key) {
    if !first { sink.bytes.append(UInt8(ascii: ",")) }
    first = false
    sink.writeString(key.stringValue)
    sink.bytes.append(UInt8(ascii: ":"))
  }

  mutating func encodeNil(forKey key: Key) {
    self.key(key)
    sink.writeRaw("null")
  }
  mutating func encode(_ value: Bool, forKey key: Key) {
    self.key(key)
    value ? sink.writeRaw("true") : sink.writeRaw("false")
  }
  mutating func encode(_ value: String, forKey key: Key) {
    self.key(key)
    sink.writeString(value)
  }
  mutating func encode(_ value: Double, forKey key: Key) {
    self.key(key)
    sink.writeDouble(value)
  }
  mutating func encode(_ value: Int, forKey key: Key) {
    self.key(key)
    sink.writeInteger(value)
  }
  mutating func encode(_ value: UInt64, forKey key: Key) {
    self.key(key)
    sink.writeInteger(value)
  }
  mutating func encode<T: Encodable>(_ value: T, forKey key: Key) {
    self.key(key)
    sink.write(value)
  }
  mutating func nestedContainer<NestedKey: CodingKey>(
    keyedBy keyType: NestedKey.Type, forKey key: Key
  ) -> KeyedEncodingContainer<NestedKey> {
    preconditionFailure("a report value never nests containers by hand")
  }
  mutating func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
    preconditionFailure("a report value never nests containers by hand")
  }
  mutating func superEncoder() -> any Encoder {
    preconditionFailure("a report value has no superclass")
  }
  mutating func superEncoder(forKey key: Key) -> any Encoder {
    preconditionFailure("a report value has no superclass")
  }
}

private struct UnkeyedJSON: UnkeyedEncodingContainer {
  let sink: JSONSink
  var count = 0
  var codingPath: [any CodingKey] { [] }

  init(sink: JSONSink) {
    self.sink = sink
  }

  private mutating func separate() {
    if count > 0 { sink.bytes.append(UInt8(ascii: ",")) }
    count += 1
  }

  mutating func encodeNil() {
    separate()
    sink.writeRaw("null")
  }
  mutating func encode<T: Encodable>(_ value: T) {
    separate()
    sink.write(value)
  }
  mutating func nestedContainer<NestedKey: CodingKey>(
    keyedBy keyType: NestedKey.Type
  ) -> KeyedEncodingContainer<NestedKey> {
    preconditionFailure("a report value never nests containers by hand")
  }
  mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
    preconditionFailure("a report value never nests containers by hand")
  }
  mutating func superEncoder() -> any Encoder {
    preconditionFailure("a report value has no superclass")
  }
}

private struct SingleJSON: SingleValueEncodingContainer {
  let sink: JSONSink
  var codingPath: [any CodingKey] { [] }

  mutating func encodeNil() { sink.writeRaw("null") }
  mutating func encode(_ value: Bool) { value ? sink.writeRaw("true") : sink.writeRaw("false") }
  mutating func encode(_ value: String) { sink.writeString(value) }
  mutating func encode(_ value: Double) { sink.writeDouble(value) }
  mutating func encode(_ value: Float) { sink.writeDouble(Double(value)) }
  mutating func encode(_ value: Int) { sink.writeInteger(value) }
  mutating func encode(_ value: Int8) { sink.writeInteger(value) }
  mutating func encode(_ value: Int16) { sink.writeInteger(value) }
  mutating func encode(_ value: Int32) { sink.writeInteger(value) }
  mutating func encode(_ value: Int64) { sink.writeInteger(value) }
  mutating func encode(_ value: UInt) { sink.writeInteger(value) }
  mutating func encode(_ value: UInt8) { sink.writeInteger(value) }
  mutating func encode(_ value: UInt16) { sink.writeInteger(value) }
  mutating func encode(_ value: UInt32) { sink.writeInteger(value) }
  mutating func encode(_ value: UInt64) { sink.writeInteger(value) }
  mutating func encode<T: Encodable>(_ value: T) throws {
    try value.encode(to: JSONStreamEncoder(sink: sink))
  }
}
