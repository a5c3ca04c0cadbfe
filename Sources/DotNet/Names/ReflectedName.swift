import Memory

/// A type's name as the runtime prints it.
extension ManagedName {
  /// `Box`1[System.Int32]` from the DAC's `Box`1[[System.Int32, System.Private.CoreLib]]`: the assemblies of
  /// type arguments are left out, as `Type.ToString()` does. Names of another form come out as they are.
  public static func reflected(_ name: String) -> String {
    guard name.utf8.count <= rawLimit, name.utf8.contains(part: "[[".utf8) else { return name }
    let text = Array(name.utf8)
    var position = 0
    guard let result = reflected(text, &position, depth: 0), position == text.count else {
      return name
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// One type name up to a comma or a closing bracket that is not its own; nil where brackets do not match.
  private static func reflected(_ text: [UInt8], _ position: inout Int, depth: Int) -> [UInt8]? {
    let (open, close, comma) = (UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: ","))
    let (star, backslash) = (UInt8(ascii: "*"), UInt8(ascii: "\\"))
    guard depth < 64 else { return nil }
    var result: [UInt8] = []
    while position < text.count, text[position] != close, text[position] != comma || depth == 0 {
      guard text[position] == open, position + 1 < text.count, text[position + 1] == open else {
        // An array's brackets hold nothing but commas, or a star where it is not counted from 0.
        if text[position] == open {
          repeat {
            result.append(text[position])
            position += 1
          } while position < text.count && (text[position] == comma || text[position] == star)
          guard position < text.count, text[position] == close else { return nil }
        }
        // What follows a backslash is a part of a name, whatever it looks like.
        if text[position] == backslash, position + 1 < text.count {
          result.append(backslash)
          position += 1
        }
        result.append(text[position])
        position += 1
        continue
      }
      position += 1
      result.append(open)
      while position < text.count, text[position] == open {
        position += 1
        guard let argument = reflected(text, &position, depth: depth + 1) else { return nil }
        result += argument
        while position < text.count, text[position] != close { position += 1 }
        position += 1
        guard position < text.count, text[position] == comma else { break }
        result.append(comma)
        position += 1
        guard position < text.count, text[position] == open else { return nil }
      }
      guard position < text.count, text[position] == close else { return nil }
      result.append(close)
      position += 1
    }
    return result
  }
}
