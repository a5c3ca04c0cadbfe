import CDac

extension Dac {
  /// Whose code `address` is; nil when the runtime does not know it: native code.
  ///
  /// - Parameter address: inside the instruction, that is one less than a return address.
  func method(at address: UInt64) -> MethodFacts? {
    var code = inquest_dac_code()
    guard inquest_dac_get_code(sos, address, &code) == 0, code.method != 0 else {
      return stub(at: address)
    }
    var method = inquest_dac_method()
    let isKnown = inquest_dac_get_method(sos, code.method, &method) == 0
    let name = text { inquest_dac_method_name(sos, code.method, $0, $1, &$2) }
    var facts = MethodFacts(
      kind: isKnown && method.is_dynamic != 0 ? .dynamic : .method, name: name ?? "")
    facts.start = code.start
    facts.method = code.method
    facts.module = isKnown ? method.module : 0
    facts.token = isKnown ? method.token : 0
    if facts.kind == .method { facts.ilOffset = ilOffset(at: address) }
    return facts
  }

  /// A method by its MethodDesc: for an address that the runtime gives to another method by now, or to
  /// none.
  ///
  /// - Parameter address: where its code was.
  func method(descriptor: UInt64, near address: UInt64) -> MethodFacts? {
    var method = inquest_dac_method()
    guard inquest_dac_get_method(sos, descriptor, &method) == 0 else { return nil }
    let name = text { inquest_dac_method_name(sos, descriptor, $0, $1, &$2) }
    var facts = MethodFacts(kind: method.is_dynamic != 0 ? .dynamic : .method, name: name ?? "")
    facts.method = descriptor
    facts.module = method.module
    facts.token = method.token
    return facts
  }

  private func stub(at address: UInt64) -> MethodFacts? {
    var displacement: UInt64 = 0
    let name = text {
      inquest_dac_runtime_name(process, address, $0, &$2, $1, &displacement)
    }
    return name.map { MethodFacts(kind: .stub, name: $0) }
  }

  /// The IL offset of the instruction at `address`, in bytes; nil where the compiler has left no mapping.
  private func ilOffset(at address: UInt64) -> Int? {
    var instance: UnsafeMutableRawPointer?
    guard inquest_dac_method_instance(process, address, &instance) == 0, let instance else {
      return nil
    }
    defer { inquest_dac_release(instance) }
    var offsets = [UInt32](repeating: .max, count: 16)
    var needed: UInt32 = 0
    guard inquest_dac_il_offsets(instance, address, 16, &needed, &offsets) >= 0, needed > 0 else {
      return nil
    }
    // No mapping, prolog, epilog (clrdata.h: CLRDATA_IL_OFFSET_…): the prolog is the method's start.
    let (prolog, markers): (UInt32, UInt32) = (0xffff_fffe, 0xffff_fffd)
    let known = offsets.prefix(min(16, Int(needed)))
    if let offset = known.first(where: { $0 < markers }) { return Int(offset) }
    return known.contains(prolog) ? 0 : nil
  }

  /// - Parameter address: of the Module.
  func module(at address: UInt64) -> ModuleFacts? {
    var module = inquest_dac_module()
    guard inquest_dac_get_module(sos, address, &module) == 0 else { return nil }
    var facts = ModuleFacts()
    facts.isDynamic = module.is_reflection != 0
    facts.metadata = module.metadata
    facts.metadataSize = module.metadata_size
    facts.image = module.il_base
    return facts
  }

  /// Adds what only IXCLRDataModule tells; `address` is any code address of the module.
  func complete(_ facts: inout ModuleFacts, codeAddress: UInt64) {
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
