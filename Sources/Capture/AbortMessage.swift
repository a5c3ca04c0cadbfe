import Memory

/// What glibc leaves behind for whoever looks at an aborted process: a failed assertion, a corrupted heap.
enum AbortMessage {
  /// Bytes that are told.
  private static let limit = 4096

  /// - Parameter address: of a symbol of an image, by its name.
  /// - Returns: the message without its line feed; nil without one, as with musl.
  static func read(
    _ images: ImageTable, memory: any MemorySource, address: (String, Image) -> UInt64?
  ) -> String? {
    // A pointer to struct abort_msg_s { unsigned int size; char msg[]; } (glibc's include/stdlib.h, GLIBC_PRIVATE).
    guard let image = libc(images), let variable = address("__abort_msg", image),
      let message = memory.load(UInt64.self, at: variable), message != 0,
      let size = memory.load(UInt32.self, at: message),
      let text = ForeignText.read(message &+ 4, memory, limit: min(Int(size), limit))
    else { return nil }
    let line = text.utf8.last == UInt8(ascii: "\n") ? String(text.dropLast()) : text
    return line.isEmpty ? nil : line
  }

  /// libc, or the only file of a program that is linked statically.
  private static func libc(_ images: ImageTable) -> Image? {
    let files = images.images.filter { $0.kind == .elf }
    if files.count == 1 { return files[0] }
    return files.first { image in
      let name = image.path.utf8.split(separator: UInt8(ascii: "/")).last ?? image.path.utf8[...]
      // Before 2.34 the link's target: libc-2.31.so.
      return name.elementsEqual("libc.so.6".utf8) || name.starts(with: "libc-2.".utf8)
    }
  }
}
