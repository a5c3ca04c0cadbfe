/// Names of C++ types as `std::type_info::name` has them.
public enum TypeName {
  /// `std::runtime_error` of `St13runtime_error`; nil for what is no such name.
  public static func demangle(_ mangled: String) -> String? {
    // A type alone is no symbol. The name of its type_info's name is one (Itanium C++ ABI, 5.1.4.1).
    let prefix = "typeinfo name for "
    guard let text = Demangler.demangle(["_ZTS" + mangled], isPastDeadline: { false })[0],
      text.hasPrefix(prefix)
    else { return nil }
    return String(text.dropFirst(prefix.utf8.count))
  }
}
