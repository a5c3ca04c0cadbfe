import Memory

/// The unwind tables of all images, each made when it is first asked for and kept for all threads.
struct ImageUnwindTables {
  private let memory: any MemorySource
  private let images: ImageTable
  private let sections: UnwindSections?
  private(set) var made = TableMemory()
  private var exceptionFrames: [UnwindTable??]
  private var debugFrames: [UnwindTable??]

  init(memory: any MemorySource, images: ImageTable, sections: UnwindSections?) {
    self.memory = memory
    self.images = images
    self.sections = sections
    exceptionFrames = Array(repeating: nil, count: images.images.count)
    debugFrames = exceptionFrames
  }

  /// Of the image at this position; nil where it has none.
  mutating func exceptionFrames(_ index: Int) -> UnwindTable? {
    if let known = exceptionFrames[index] { return known }
    let (image, sections) = (images.images[index], sections)
    let found =
      UnwindTable(headerOf: image, memory: memory)
      ?? UnwindTable(
        scanning: image, memory: memory, addresses: { sections?.exceptionFrames($0) }, into: &made)
    exceptionFrames[index] = .some(found)
    return found
  }

  /// Nobody loads these: asked for addresses that the others do not know.
  mutating func debugFrames(_ index: Int) -> UnwindTable? {
    if let known = debugFrames[index] { return known }
    let image = images.images[index]
    let section = image.kind == .elf ? sections?.debugFrames(image) : nil
    let found = section.flatMap { UnwindTable(debugFrames: $0, image: image, into: &made) }
    debugFrames[index] = .some(found)
    return found
  }
}
