import Foundation
import Memory
import Symbols
import Testing

@Suite struct CompiledProgramTests {
  let lab: Lab
  let symbolizer = Symbolizer(open: openPath, debugRoot: "/nonexistent")

  init() throws {
    lab = try Lab()
  }

  static let c = """
    #include <stdio.h>
    static int inner(int x) { return x * 3; }
    __attribute__((noinline)) int outer(int x) { return inner(x) + 1; }
    __attribute__((weak, alias("outer"))) int weak_outer(int);
    __attribute__((alias("outer"))) int __outer(int);
    int data = 7;
    int main(void) { printf("%d", outer(data)); return 0; }
    """

  @Test(arguments: [["-pie"], ["-no-pie"], ["-static"], ["-static-pie"]])
  func cProgram(flags: [String]) throws {
    try lab.write(Self.c, to: "c.c")
    _ = try Lab.run(["gcc", "-O0", "-fPIE", "c.c", "-o", "c"] + flags, in: lab.directory)
    let bias: UInt64 = flags[0].hasSuffix("static") || flags[0] == "-no-pie" ? 0 : 0x5555_5000_0000
    if flags[0].hasPrefix("-static") {
      // A whole libc with its assembly: as eu-addr2line says.
      try compareWithElfutils(lab.path("c"), bias: bias, step: 1)
    } else {
      try compareWithNM(lab.path("c"), bias: bias)
    }
  }

  @Test func ofManyNamesTheUsualOneIsTaken() throws {
    try lab.write(Self.c, to: "c.c")
    try lab.run("gcc", "-O0", "c.c", "-o", "c")
    let outer = try #require(try Function.all(in: lab.path("c")).first { $0.name == "outer" })
    let found = symbolizer.resolve([outer.start + 2], in: try image(of: lab.path("c")))
    #expect(found.symbols[outer.start + 2] == Symbol(name: "outer", address: outer.start))
  }

  /// As libc's `read` is in a static program.
  @Test func aHiddenNameIsNotTheUsualOne() throws {
    try lab.write(
      """
      .text
      .globl __libc_read
      .hidden __libc_read
      .type __libc_read, @function
      .type read, @function
      __libc_read:
      read:
        nop
        ret
      .size __libc_read, . - __libc_read
      .size read, . - read
      """, to: "read.s")
    try lab.write("void __libc_read(void); int main(void) { __libc_read(); }", to: "main.c")
    try lab.run("gcc", "main.c", "read.s", "-o", "read")
    let read = try #require(try Function.all(in: lab.path("read")).first { $0.name == "read" })
    let found = symbolizer.resolve([read.start], in: try image(of: lab.path("read")))
    #expect(found.symbols[read.start] == Symbol(name: "read", address: read.start))
  }

  @Test func cxxProgram() throws {
    try lab.write(
      """
      #include <map>
      #include <string>
      namespace a::b {
        struct Shape { virtual ~Shape(); virtual int area(const std::string&) const; };
        Shape::~Shape() {}
        int Shape::area(const std::string& s) const { return s.size(); }
        template <class T> T twice(T t) { return t + t; }
        static int hidden(int x) { return x; }
        int use(int x) { auto f = [&](int y) { return hidden(x) + y; }; return f(x); }
      }
      int operator+(const a::b::Shape&, int x) { return x; }
      int main() {
        std::map<std::string, int> m; m["x"] = a::b::twice(4);
        return a::b::Shape().area("abc") + a::b::use(1) + (a::b::Shape() + 4) + a::b::twice(2.0);
      }
      """, to: "x.cc")
    try lab.run("g++", "-O0", "x.cc", "-o", "x")
    try compareWithNM(lab.path("x"))
    try compareWithElfutils(lab.path("x"), bias: 0x5555_5555_4000, step: 1)
    try compareNames(lab.path("x"), with: ["c++filt"], prefix: "_Z")
    try compareWithGDB(lab.path("x"))
  }

  @Test(arguments: ["legacy", "v0"])
  func rustProgram(mangling: String) throws {
    // libiberty does not know the legacy mangling's escapes for letters beyond ASCII.
    let type = mangling == "v0" ? "Größe" : "Size"
    try lab.write(
      """
      #![allow(mixed_script_confusables)]
      use std::fmt::Debug;
      trait Speak { fn say<T: Debug>(&self, t: T) -> String; }
      struct \(type)<T>(T);
      impl<U: Debug> Speak for \(type)<U> {
        #[inline(never)] fn say<T: Debug>(&self, t: T) -> String { format!("{:?}{:?}", self.0, t) }
      }
      fn main() {
        let f = |x: &str| \(type)(3u8).say(x);
        println!("{}", f("a"));
      }
      """, to: "r.rs")
    try lab.run(
      "rustc", "-Copt-level=0", "-Cdebuginfo=0",
      mangling == "v0" ? "-Csymbol-mangling-version=v0" : "-Cdebug-assertions=on", "r.rs", "-o", "r"
    )
    let path = lab.path("r")
    let say = try #require(
      try Function.all(in: path).first { $0.name.contains("3say") && $0.name.contains("Speak") })
    let found = symbolizer.resolve([say.start], in: try image(of: path)).symbols[say.start]
    // What rustfilt prints for it.
    let expected =
      mangling == "v0"
      ? "<r::Größe<u8> as r::Speak>::say::<&str>" : "<r::Size<U> as r::Speak>::say"
    #expect(found?.name == expected)
    #expect(found?.rawName == say.name)
    try compareWithNM(path)
  }

  @Test func swiftProgram() throws {
    try lab.write(
      """
      struct Box<T> { var value: T; func twice(_ f: (T) -> T) -> T { f(f(value)) } }
      final class Account { var balance = 3; func pay(amount x: Int) throws -> Int { balance - x } }
      @inline(never) func run() throws -> Int { try Account().pay(amount: 2) }
      print(try run() + Box(value: 3).twice { $0 + 1 })
      """, to: "main.swift")
    try lab.run("swiftc", "-Onone", "main.swift", "-o", "s")
    try compareWithNM(lab.path("s"))
    try compareNames(
      lab.path("s"), with: ["swift-demangle", "--compact", "--no-sugar"], prefix: "$s")
  }

  /// Every function's name against a filter of mangled names.
  private func compareNames(_ path: String, with filter: [String], prefix: String) throws {
    let functions = try Function.all(in: path)
    let image = try image(of: path)
    let found = symbolizer.resolve(functions.map(\.start), in: image).symbols.values
      .filter { $0.raw.hasPrefix(prefix) }
    try #require(!found.isEmpty)
    let raws = found.map(\.raw)
    let truth = try Lab.run(filter, input: raws.joined(separator: "\n") + "\n")
      .split(separator: "\n").map(String.init)
    #expect(truth.count == raws.count)
    for (symbol, name) in zip(found, truth) { #expect(symbol.name == name) }
  }

  /// Every `step`th function against eu-addr2line, aliases counting as equal.
  private func compareWithElfutils(_ path: String, bias: UInt64, step: Int) throws {
    let functions = try Function.all(in: path)
    let addresses = stride(from: 0, to: functions.count, by: step).map { functions[$0].start + 1 }
    let hex = addresses.map { "0x" + String($0, radix: 16) }.joined(separator: "\n") + "\n"
    let answers = try Lab.run(["eu-addr2line", "-f", "-e", path], input: hex)
      .split(separator: "\n").enumerated().filter { $0.offset % 2 == 0 }.map { String($0.element) }
    let found = symbolizer.resolve(addresses.map { $0 + bias }, in: try image(of: path, bias: bias))
    var starts: [String: Set<UInt64>] = [:]
    for function in functions { starts[function.name, default: []].insert(function.start) }
    var wrong: [String] = []
    for (address, answer) in zip(addresses, answers) {
      let symbol = found.symbols[address + bias]
      let plain = String(answer.prefix { $0 != "@" })
      if symbol?.raw ?? "??" != answer,
        !(starts[plain]?.contains((symbol?.address ?? 0) &- bias) ?? false)
      {
        wrong.append("\(String(address, radix: 16)): \(symbol?.raw ?? "nothing"), not \(answer)")
      }
    }
    #expect(wrong.isEmpty, "\(wrong.count) of \(addresses.count): \(wrong.prefix(5))")
  }

  private func compareWithGDB(_ path: String) throws {
    let functions = try Function.all(in: path)
    let image = try image(of: path)
    let found = symbolizer.resolve(functions.map { $0.start + 1 }, in: image).symbols
    var command = ["gdb", "-nx", "-batch", "-ex", "set width 0"]
    for function in functions {
      command += ["-ex", "info symbol 0x" + String(function.start + 1, radix: 16)]
    }
    let answers = try Lab.run(command + [path]).split(separator: "\n").map(String.init)
    try #require(answers.count == functions.count)
    for (function, answer) in zip(functions, answers) {
      let symbol = found[function.start + 1]
      // Constructors and destructors have two symbols at one place: the same name in the end.
      #expect(answer.hasPrefix((symbol?.name ?? "nothing") + " + 1 in section"), "\(answer)")
    }
  }
}
