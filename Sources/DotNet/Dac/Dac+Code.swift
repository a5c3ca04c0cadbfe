import CDac

extension Dac {
  /// Ranges of one method's map, at most.
  private static let rangeLimit = 8192

  /// Whose code `address` is; nil when the runtime does not know it: native code.
  ///
  /// - Parameter address: inside the instruction, that is one less than a return address.
  func method(at address: UInt64) -> ManagedMethod? {
    var code = inquest_dac_code()
    guard inquest_dac_get_code(sos, address, &code) == 0, code.method != 0 else {
      return stub(at: address)
    }
    var method = inquest_dac_method()
    let isKnown = inquest_dac_get_method(sos, code.method, &method) == 0
    let name = text { inquest_dac_method_name(sos, code.method, $0, $1, &$2) }
    var facts = ManagedMethod(
      kind: isKnown && method.is_dynamic != 0 ? .dynamic : .method, name: name ?? "?")
    facts.start = code.start
    facts.method = code.method
    facts.module = isKnown ? method.module : 0
    facts.token = isKnown ? method.token : 0
    if facts.kind == .method { facts.ilOffset = ilOffset(at: address, start: code.start) }
    return facts
  }

  /// A method by the address of its MethodDesc: one without code of its own, or whose code is gone.
  func method(descriptor: UInt64) -> ManagedMethod? {
    var method = inquest_dac_method()
    _ = inquest_dac_get_method(sos, descriptor, &method)
    guard let name = text({ inquest_dac_method_name(sos, descriptor, $0, $1, &$2) }) else {
      return nil
    }
    var facts = ManagedMethod(kind: method.is_dynamic != 0 ? .dynamic : .method, name: name)
    facts.method = descriptor
    facts.module = method.module
    facts.token = method.token
    return facts
  }

  private func stub(at address: UInt64) -> ManagedMethod? {
    var displacement: UInt64 = 0
    let name = text {
      inquest_dac_runtime_name(process, address, $0, &$2, $1, &displacement)
    }
    return name.map { ManagedMethod(kind: .stub, name: $0) }
  }

  /// The IL offset of the instruction at `address`, in bytes; nil where the compiler has left no mapping.
  ///
  /// By the method's whole map, not by GetILOffsetsByAddress: that one fails in a map's last range, whose
  /// end is given as the method's start (measured on 3.1.23: the `throw` at the end of a handler).
  private func ilOffset(at address: UInt64, start: UInt64) -> Int? {
    let map = ilMaps[start] ?? readILMap(at: address)
    ilMaps[start] = map
    // Epilog, prolog, no mapping (clrdata.h: CLRDATA_IL_OFFSET_…).
    let (epilog, prolog, none) = (UInt32(0xffff_fffd), UInt32(0xffff_fffe), UInt32(0xffff_ffff))
    var found: Int?
    for range in map {
      guard range.start <= address else { continue }
      switch range.offset {
      // Shared code that throws (overflow, range checks): the runtime itself says the method's start.
      case prolog, none: found = 0
      // Some code that belongs to the statement before it.
      case epilog...: break
      default: found = Int(range.offset)
      }
    }
    return found
  }

  private func readILMap(at address: UInt64) -> [(start: UInt64, offset: UInt32)] {
    var instance: UnsafeMutableRawPointer?
    guard inquest_dac_method_instance(process, address, &instance) == 0, let instance else {
      return []
    }
    defer { inquest_dac_release(instance) }
    var ranges = [inquest_dac_il_range](
      repeating: inquest_dac_il_range(), count: Self.rangeLimit)
    var count: UInt32 = 0
    guard inquest_dac_il_map(instance, UInt32(ranges.count), &count, &ranges) >= 0 else {
      return []
    }
    return ranges.prefix(Int(count)).map { ($0.start, $0.il_offset) }.sorted { $0.start < $1.start }
  }

  /// - Parameter address: of the Module.
  func module(at address: UInt64) -> ManagedModule? {
    var module = inquest_dac_module()
    guard inquest_dac_get_module(sos, address, &module) == 0 else { return nil }
    var facts = ManagedModule()
    facts.isDynamic = module.is_reflection != 0
    facts.metadata = module.metadata
    facts.metadataSize = module.metadata_size
    facts.image = module.il_base
    return facts
  }

  /// Adds what only IXCLRDataModule tells; `address` is any code address of the module.
  func complete(_ facts: inout ManagedModule, codeAddress: UInt64) {
    var instance: UnsafeMutableRawPointer?
    guard inquest_dac_method_instance(process, codeAddress, &instance) == 0, let instance else {
      return
    }
    defer { inquest_dac_release(instance) }
    var token: UInt32 = 0
    var module: UnsafeMutableRawPointer?
    guard inquest_dac_token_and_scope(instance, &token, &module) == 0, let module else { return }
    defer { inquest_dac_release(module) }
    facts.path = text { inquest_dac_module_file(module, $0, &$2, $1) } ?? facts.path
    var mvid = [UInt8](repeating: 0, count: 16)
    if inquest_dac_module_version(module, &mvid) == 0 { facts.mvid = mvid }
    var flags: UInt32 = 0
    let dynamic: UInt32 = 1
    if inquest_dac_module_flags(module, &flags) == 0, flags & dynamic != 0 {
      facts.isDynamic = true
    }
    // A dynamic module has no image to ask for; the request crashes some versions.
    guard !facts.isDynamic else { return }
    var loaded = inquest_dac_loaded_module()
    guard inquest_dac_module_loaded(module, &loaded) == 0 else { return }
    facts.image = loaded.loaded_address
    facts.imageSize = loaded.loaded_size
    facts.isFileLayout = loaded.is_file_layout != 0
    facts.pdb = loaded.pdb_address
    facts.pdbSize = loaded.pdb_size
  }
}
