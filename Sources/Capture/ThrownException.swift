import Memory
import Report
import Symbols
import Unwinding

/// Finds the C++ exception that led to std::terminate.
///
/// Its header is an object of the Itanium C++ ABI's (Exception Handling, 2.2), the same with libstdc++ and libc++abi:
/// the exception's type 80 bytes below the unwinder's header, the thrown object 32 bytes above it. Functions between
/// __cxa_throw and std::terminate keep a pointer to it on the stack.
struct ThrownException {
  private enum Layout {
    static let type: UInt64 = 80
    static let terminateHandler: UInt64 = 56
    static let object: UInt64 = 32
    static let alignment: UInt64 = 16
    /// How many use the exception: before all else in libstdc++'s header, the second word in libc++abi's.
    static let gnuCount: UInt64 = 96
    static let clangCount: UInt64 = 88
    /// exception_class: "GNUCC++\0", "GNUCC++\1" for one that std::rethrow_exception throws, "CLNGC++\0".
    static let gnu: UInt64 = 0x474e_5543_432b_2b00
    static let gnuDependent: UInt64 = gnu | 1
    static let clang: UInt64 = 0x434c_4e47_432b_2b00
  }

  /// Steps from the fault among which std::terminate and __cxa_throw are looked for.
  private static let stepLimit = 64
  /// Bytes of stack that are searched: of frames with names, and where those have none.
  private static let searchLimit: UInt64 = 64 << 10
  private static let blindSearchLimit: UInt64 = 8 << 10
  /// Functions of the C++ runtime and the unwinder between a throw and the end.
  private static let machinery = [
    "std::terminate", "__cxxabiv1::", "__cxa_", "_Unwind_", "__gxx_personality_",
    "__clang_call_terminate",
    "std::rethrow_exception", "__gnu_cxx::__verbose_terminate_handler",
  ]

  let memory: any MemorySource
  let mappings: MappingTable
  let images: ImageTable
  /// The function at an address.
  let function: (UInt64) -> String?

  /// - Parameters:
  ///   - steps: those of the crashed thread from the fault on.
  ///   - names: of the functions that steps are in, nil where one has none.
  func find(_ steps: ArraySlice<Walk.Step>, names: [String?]) -> Thrown? {
    guard let area = area(steps, names), let copy = words(area) else { return nil }
    var seen: Set<UInt64> = []
    for word in copy {
      // The header itself, or the thrown object.
      for header in [word, word &- Layout.object] where seen.insert(header).inserted {
        if let found = exception(at: header) { return found }
      }
    }
    return nil
  }

  /// The stack from the fault to the frame that called the outermost function of the C++ runtime.
  private func area(_ steps: ArraySlice<Walk.Step>, _ names: [String?]) -> Range<UInt64>? {
    // A stack pointer may be anything, the very top of the address space too.
    guard let start = steps.first?.sp, start < .max - Self.searchLimit - Self.blindSearchLimit
    else {
      return nil
    }
    let known = names.prefix(Self.stepLimit)
    let last = known.lastIndex { name in
      name.map { name in Self.machinery.contains { name.hasPrefix($0) } } ?? false
    }
    guard let last else {
      return isTerminatePossible(steps, known) ? start..<start &+ Self.blindSearchLimit : nil
    }
    let caller = steps.dropFirst(last + 1).first
    let end = caller.map { max($0.sp, start) } ?? start &+ Self.blindSearchLimit
    return start..<min(end, start &+ Self.searchLimit)
  }

  /// Whether abort may have been called by the C++ runtime: its caller has no name, and lies in that library, or
  /// in a program that needs no such library.
  private func isTerminatePossible(_ steps: ArraySlice<Walk.Step>, _ names: ArraySlice<String?>)
    -> Bool
  {
    let inner = names.prefix(8)
    let abort = inner.lastIndex { $0.map(Self.endings.contains) ?? false }
    let caller = abort.map { $0 + 1 } ?? inner.startIndex
    guard names.indices.contains(caller), names[caller] == nil else { return false }
    let offset = caller - names.startIndex
    func isLibrary(_ path: String) -> Bool {
      let file = path.split(separator: "/").last ?? ""
      return file.hasPrefix("libstdc++.so") || file.hasPrefix("libc++")
    }
    guard images.images.contains(where: { isLibrary($0.path) }), abort != nil else { return true }
    return steps.dropFirst(offset).first.flatMap { images.containing($0.lookupAddress) }
      .map { isLibrary($0.path) } ?? false
  }

  private static let endings: Set<String> = ["abort", "raise", "gsignal", "pthread_kill"]

  /// The aligned words of a range, as far as it can be read; nil for a stack that is none.
  private func words(_ area: Range<UInt64>) -> [UInt64]? {
    guard area.lowerBound & 7 == 0, mappings.containing(area.lowerBound)?.isWritable == true else {
      return nil
    }
    let bytes = memory.prefix(at: area.lowerBound, atMost: area.count)
    return bytes.withUnsafeBytes { bytes in
      (0..<bytes.count / 8).map { bytes.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self) }
    }
  }

  private func exception(at header: UInt64) -> Thrown? {
    guard header & (Layout.alignment - 1) == 0, mappings.containing(header)?.isWritable == true,
      let kind = memory.load(UInt64.self, at: header)
    else { return nil }
    switch kind {
    case Layout.gnu: return isInUse(header &- Layout.gnuCount) ? primary(at: header) : nil
    case Layout.clang: return isInUse(header &- Layout.clangCount) ? primary(at: header) : nil
    case Layout.gnuDependent:
      // It has the object of the one that it throws again where that has its type.
      guard let object = memory.load(UInt64.self, at: header &- Layout.type) else { return nil }
      return primary(at: object &- Layout.object)
    default: return nil
    }
  }

  /// An exception that was caught and freed looks like one for a long time, but for its count.
  private func isInUse(_ count: UInt64) -> Bool {
    (1...0xffff).contains(memory.load(UInt32.self, at: count) ?? 0)
  }

  private func primary(at header: UInt64) -> Thrown? {
    guard let handler = memory.load(UInt64.self, at: header &- Layout.terminateHandler),
      mappings.containing(handler)?.isExecutable == true,
      let address = memory.load(UInt64.self, at: header &- Layout.type),
      let type = TypeInformation(at: address, memory, images),
      let name = TypeName.demangle(type.name)
    else { return nil }
    return Thrown(type: name, message: what(header &+ Layout.object, type))
  }

  /// What `what()` says of an object that is a std::runtime_error or a std::logic_error and says it in their words.
  private func what(_ object: UInt64, _ type: TypeInformation) -> String? {
    guard
      let offset = type.offset(ofBase: ["St13runtime_error", "St11logic_error"], memory, images),
      // The third in their table of virtual functions, after two destructors.
      let table = memory.load(UInt64.self, at: object &+ offset),
      let implementation = memory.load(UInt64.self, at: table &+ 16),
      let name = function(implementation),
      name == "std::runtime_error::what() const" || name == "std::logic_error::what() const",
      // Behind the pointer to that table: a pointer to the characters, in both libraries.
      let text = memory.load(UInt64.self, at: object &+ offset &+ 8)
    else { return nil }
    return ForeignText.read(text, memory, limit: Self.messageLimit)
  }

  private static let messageLimit = 4096
}

/// A std::type_info in memory (Itanium C++ ABI, 2.9.4): a pointer to virtual functions, then one to its name.
private struct TypeInformation {
  /// As the linker sees it, without the prefix.
  let name: String
  private let address: UInt64

  private static let nameLimit = 2048
  /// Classes from a thrown one to the base that is looked for.
  private static let depthLimit = 32
  private static let baseLimit: UInt32 = 32

  /// Nil for what cannot be one.
  init?(at address: UInt64, _ memory: any MemorySource, _ images: ImageTable) {
    guard images.index(containing: address) != nil,
      let text = memory.load(UInt64.self, at: address &+ 8), images.index(containing: text) != nil
    else { return nil }
    let bytes = memory.prefix(at: text, atMost: Self.nameLimit)
    guard let end = bytes.firstIndex(of: 0),
      bytes[..<end].allSatisfy({ (0x21...0x7e).contains($0) })
    else { return nil }
    // GNU marks names that are compared by address.
    let name = String(
      decoding: bytes.first == UInt8(ascii: "*") ? bytes[1..<end] : bytes[..<end], as: UTF8.self)
    guard !name.isEmpty else { return nil }
    (self.address, self.name) = (address, name)
  }

  /// How many bytes from the beginning of an object its part of one of these classes lies; nil where it has none, or
  /// as a virtual base, whose place the object itself says.
  func offset(ofBase names: [String], _ memory: any MemorySource, _ images: ImageTable) -> UInt64? {
    var left = Self.visitLimit
    return offset(ofBase: names, memory, images, depth: 0, &left)
  }

  /// Classes that are looked at in all: in broken memory one may be its own base, many times.
  private static let visitLimit = 128

  private func offset(
    ofBase names: [String], _ memory: any MemorySource, _ images: ImageTable, depth: Int,
    _ left: inout Int
  ) -> UInt64? {
    if names.contains(name) { return 0 }
    left -= 1
    guard depth < Self.depthLimit, left > 0 else { return nil }
    for (base, place) in bases(memory, images) {
      guard let base = TypeInformation(at: base, memory, images) else { continue }
      if let inner = base.offset(ofBase: names, memory, images, depth: depth + 1, &left) {
        return place &+ inner
      }
    }
    return nil
  }

  /// Its direct bases, and where an object has them. What sort of type_info this is says its own type's name.
  private func bases(
    _ memory: any MemorySource, _ images: ImageTable
  ) -> [(type: UInt64, offset: UInt64)] {
    guard let table = memory.load(UInt64.self, at: address),
      let type = memory.load(UInt64.self, at: table &- 8),
      let sort = TypeInformation(at: type, memory, images)?.name
    else { return [] }
    switch sort {
    case "N10__cxxabiv120__si_class_type_infoE":
      guard let base = memory.load(UInt64.self, at: address &+ 16) else { return [] }
      return [(base, 0)]
    case "N10__cxxabiv121__vmi_class_type_infoE":
      let count = min(memory.load(UInt32.self, at: address &+ 20) ?? 0, Self.baseLimit)
      return (0..<UInt64(count)).compactMap { index -> (type: UInt64, offset: UInt64)? in
        let entry = address &+ 24 &+ 16 * index
        guard let type = memory.load(UInt64.self, at: entry),
          let flags = memory.load(Int64.self, at: entry &+ 8), flags & 1 == 0
        else { return nil }
        return (type, UInt64(bitPattern: flags >> 8))
      }
    default: return []
    }
  }
}
