/// A managed method's name as a C# developer says it, without parameters.
///
/// `Shop.Basket<T>.Fold`, `Program.Main+lambda`, `async Program.FetchAsync`, `Program.Walk+MoveNext`: what
/// is not in the source, classes for lambdas and state machines, is not in the name. Hidden is nothing
/// that could be a developer's: what does not look exactly like a compiler's name stays.
public enum ManagedName {
  /// Of a name, in bytes of UTF-8; a longer one ends in `…`.
  public static let limit = 4096
  /// Of what is taken apart, in bytes.
  static let rawLimit = 8192

  /// - Parameters:
  ///   - raw: as the runtime spells it (GetMethodDescName): with its namespace, types nested by `+`.
  ///   - metadata: of the method's module, which knows the names of type parameters, and what a state
  ///     machine is for.
  ///   - token: the method's in that metadata.
  public static func spoken(
    _ raw: String, metadata: MetadataReader? = nil, token: UInt32? = nil
  ) -> String {
    if let metadata, let token, let facts = metadata.method(token) {
      let kind = facts.types.last.flatMap { metadata.stateMachineKind(ofType: $0.token) }
      return spoken(facts, kind)
    }
    guard raw.utf8.count <= rawLimit, let parts = RawName(raw) else { return cut(raw) }
    let arguments = TypeArguments.names(parts.typeArguments)
    let shown = TypeArguments.share(arguments, among: parts.types)
    return cut(
      compose(
        types: zip(parts.types, shown).map { ($0.name, $1) }, method: parts.method,
        arguments: TypeArguments.text(TypeArguments.names(parts.methodArguments)), kind: nil))
  }

  /// By metadata alone.
  static func spoken(_ facts: MethodFacts, _ kind: StateMachineKind?) -> String {
    var known = 0
    let types = facts.types.map { type -> (name: String, shown: String) in
      let own = type.typeParameters.dropFirst(known)
      known = max(known, type.typeParameters.count)
      let name = String(
        decoding: RawName.splitArity(Array(type.fullName.utf8)).name, as: UTF8.self)
      return (name, name + TypeArguments.text(own.map { $0 }))
    }
    return cut(
      compose(
        types: types, method: facts.name,
        arguments: TypeArguments.text(facts.typeParameters.map { $0 }), kind: kind))
  }

  /// - Parameters:
  ///   - types: outermost first; by name, and with type arguments.
  ///   - arguments: the method's, as they are to be shown.
  ///   - kind: of the innermost type, if known.
  private static func compose(
    types: [(name: String, shown: String)], method: String, arguments: String,
    kind: StateMachineKind?
  ) -> String {
    let generated = types.map { GeneratedName($0.name) }
    let firstHidden = generated.firstIndex { $0?.isHidden == true } ?? types.count
    let owner = types[..<firstHidden].map { visible($0.name, $0.shown) }
    func inOwner(_ member: String) -> String { (owner + [member]).joined(separator: ".") }
    func asWritten() -> String {
      (owner + types[firstHidden...].map(\.shown) + [method]).joined(separator: ".")
    }
    let made = GeneratedName(method)
    guard firstHidden < types.count else {
      switch made {
      case .lambda(nil): return owner.joined(separator: ".") + "+lambda"
      case .lambda, .localFunction, .wrapped: return inOwner(GeneratedName.spoken(method))
      default: return inOwner(method + arguments)
      }
    }
    switch (generated[types.count - 1], made) {
    case (.closure, .lambda(.some)), (.closure, .localFunction):
      return inOwner(GeneratedName.spoken(method))
    case (.closure(let origin?), .lambda(nil)):
      return inOwner(GeneratedName.spoken(origin) + "+lambda")
    case (.stateMachine(let origin, let spelled), _):
      var member = GeneratedName.spoken(origin)
      let isLambda: Bool
      if case .lambda = GeneratedName(origin) { isLambda = true } else { isLambda = false }
      // mcs puts the state machine of a lambda into the lambda's class, and gives it its method's name.
      if types.count - firstHidden > 1, GeneratedName(origin) == nil,
        case .closure = generated[types.count - 2]
      {
        member += "+lambda"
      }
      // Without metadata: iterators are no lambdas, nor where a program starts.
      let isAsynchronous =
        (kind ?? spelled).map { $0 == .asynchronous }
        ?? (isLambda || member.hasSuffix("Async") || member == "Main")
      return isAsynchronous && method == "MoveNext"
        ? ["async", inOwner(member)].joined(separator: " ") : inOwner(member + "+" + method)
    default: return asWritten()
    }
  }

  /// A type as its file has it.
  private static func visible(_ name: String, _ shown: String) -> String {
    let start = name.lastIndex(of: "<").flatMap { angle in
      angle == name.startIndex || name[name.index(before: angle)] == "." ? angle : nil
    }
    guard let start, case .fileLocal(let plain) = GeneratedName(String(name[start...])) else {
      return shown
    }
    return name[..<start] + plain + shown.dropFirst(name.count)
  }

  /// At most `limit` bytes, no character broken.
  private static func cut(_ text: String) -> String {
    guard text.utf8.count > limit else { return text }
    var end = text.utf8.index(text.startIndex, offsetBy: limit - 3)
    while end.samePosition(in: text.unicodeScalars) == nil { end = text.utf8.index(before: end) }
    return text[..<end] + "…"
  }
}

extension GeneratedName {
  /// True for types that are in nobody's source.
  fileprivate var isHidden: Bool {
    switch self {
    case .closure, .stateMachine: true
    default: false
    }
  }
}

extension MetadataReader {
  /// What a compiler made a type for, if it is a state machine; an asynchronous iterator is asynchronous.
  public func stateMachineKind(ofType token: UInt32) -> StateMachineKind? {
    let interfaces = interfaces(ofType: token)
    if interfaces.contains("System.Runtime.CompilerServices.IAsyncStateMachine") {
      return .asynchronous
    }
    return interfaces.contains("System.Collections.IEnumerator") ? .iterator : nil
  }
}
