import CDac

extension Dac {
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
    var facts = ManagedMethod(kind: isKnown ? Self.kind(method) : .dynamic, name: name ?? "?")
    facts.start = code.start
    facts.method = code.method
    facts.module = isKnown ? method.module : 0
    facts.token = isKnown ? method.token : 0
    if facts.kind == .method { facts.ilOffset = ilOffset(at: address, in: code) }
    return facts
  }

  /// Marshalling code counts as an assembly's, but has a token that names no row of any table.
  private static func kind(_ method: inquest_dac_method) -> ManagedMethod.Kind {
    method.is_dynamic != 0 || method.token & 0xff_ffff == 0 ? .dynamic : .method
  }

  /// A method by the address of its MethodDesc: one without code of its own, or whose code is gone.
  func method(descriptor: UInt64) -> ManagedMethod? {
    var method = inquest_dac_method()
    _ = inquest_dac_get_method(sos, descriptor, &method)
    guard let name = text({ inquest_dac_method_name(sos, descriptor, $0, $1, &$2) }) else {
      return nil
    }
    var facts = ManagedMethod(kind: Self.kind(method), name: name)
    facts.method = descriptor
    facts.module = method.module
    facts.token = method.token
    return facts
  }

  /// The runtime's helper that the call before `returnAddress` went to, `JIT_MonEnter` for example; nil for
  /// anything else.
  func helper(calledBefore returnAddress: UInt64) -> String? {
    guard let target = CallTarget.target(before: returnAddress, memory: memory) else { return nil }
    var name = [CChar](repeating: 0, count: 256)
    var needed: UInt32 = 0
    guard inquest_dac_helper_name(sos, target, UInt32(name.count), &name, &needed) == 0 else {
      return nil
    }
    let text = name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    return text.isEmpty ? nil : String(decoding: text, as: UTF8.self)
  }

  private func stub(at address: UInt64) -> ManagedMethod? {
    var displacement: UInt64 = 0
    let name = text {
      inquest_dac_runtime_name(process, address, $0, &$2, $1, &displacement)
    }
    return name.map { ManagedMethod(kind: .stub, name: $0) }
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
    facts.path = text { inquest_dac_file_name(sos, module.assembly_file, $0, $1, &$2) } ?? ""
    facts.mvid = metadata(ofModule: address)?.mvid ?? []
    return facts
  }

  /// Adds what only IXCLRDataModule tells; `codeAddress` is any code address of the module, 0 for none.
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
    facts.pdb = loaded.pdb_address
    facts.pdbSize = loaded.pdb_size
  }
}
