import Foundation
import Memory
import Symbols
import Testing

/// Source lines and inlined calls of real compilers' programs, against llvm-symbolizer, addr2line and gdb.
@Suite struct LineTests {
  let lab: Lab

  init() throws {
    lab = try Lab()
  }

  static let cxx = """
    #include <algorithm>
    #include <map>
    #include <string>
    #include <vector>
    namespace a::b {
      struct Shape {
        virtual ~Shape();
        virtual int area(const std::string&) const;
        int twice() const { return side * 2 + hidden(side); }
        static int hidden(int x) { return x ^ 5; }
        int side;
      };
      Shape::~Shape() {}
      int Shape::area(const std::string& s) const { return s.size() + twice(); }
      template <class T> inline T power(T t, int n) {
        T r = 1;
        while (n-- > 0)
          r *= t;
        return r;
      }
      namespace {
        inline int odd(int x) {
          return power(x, 3) - power(x, 2);
        }
      }
      static int hidden(int x) { return odd(x) + 1; }
      __attribute__((noinline)) int use(int x) {
        auto f = [&](int y) {
          return hidden(x) + y;
        };
        struct Local { static int call(int z) { return z * 7; } };
        return f(x) + Local::call(x);
      }
    }
    __attribute__((noinline)) int sorted(std::vector<int> v) {
      std::sort(v.begin(), v.end(), [](int l, int r) { return l > r; });
      return v.front();
    }
    int main(int count, char** words) {
      std::map<std::string, int> m;
      m[words[0]] = a::b::power(4, count);
      a::b::Shape s;
      s.side = count;
      return s.area("abc") + a::b::use(count) + sorted({count, 2, 3}) + m.size();
    }
    """

  static let builds: [[String]] = [
    ["g++", "-g", "-O0"], ["g++", "-g", "-O2"], ["g++", "-g", "-O3", "-flto"],
    ["g++", "-gdwarf-4", "-O2"], ["g++", "-g", "-O2", "-gz"],
    ["g++", "-g", "-O2", "-ffunction-sections", "-Wl,--gc-sections"],
    ["clang++", "-g", "-O0"], ["clang++", "-g", "-O2"], ["clang++", "-gdwarf-4", "-O2"],
    ["clang++", "-gdwarf-4", "-O2", "-fuse-ld=lld", "-Wl,--compress-debug-sections=zlib"],
    ["clang++", "-g", "-O2", "-gline-tables-only"],
  ]

  /// Code of the C runtime has no debug information, and may have some on another machine.
  private static func isOwn(_ name: String) -> Bool {
    name.hasPrefix("_Z") || name == "main"
  }

  @Test(arguments: builds)
  func cxxProgram(build: [String]) throws {
    try lab.write(Self.cxx, to: "x.cc")
    _ = try Lab.run(build + ["x.cc", "-o", "x"], in: lab.directory)
    let addresses = try lab.addresses(
      in: "x", step: build.contains("-O0") ? 7 : 2, where: Self.isOwn)
    let result = try lab.lines(of: addresses, in: "x")
    #expect(result.problems.isEmpty, "\(result.problems)")
    #expect(
      build.contains("-O0") || result.places.values.contains { $0.inlined.count > 3 })
    compare(
      result.places, with: try LineTruth.llvm(lab.path("x"), addresses), columns: true, names: true)
    // BFD misses inlined calls in clang's DWARF 5, and takes some files for others in those left out here.
    if build[0] == "g++", !build.contains("-flto"), !build.contains("-O0") {
      compare(
        result.places, with: try LineTruth.binutils(lab.path("x"), addresses), columns: false,
        names: false)
    }
    // Where several lines have one address, gdb takes the one that a breakpoint is put at: in optimised
    // code it disagrees with the others about every fifth.
    if build.contains("-O0") { try compareWithGDB(result.places, addresses) }
  }

  private func compareWithGDB(_ found: [UInt64: CodePlace], _ addresses: [UInt64]) throws {
    let gdb = try LineTruth.gdb(lab.path("x"), addresses)
    try #require(gdb.count * 10 > addresses.count * 9, "\(gdb.count) of \(addresses.count)")
    // For code that the compiler has made up gdb says the line before.
    let wrong = gdb.filter { address, place in
      let ours = found[address]?.calls(columns: false).first?.place
      return ours != nil && ours != place
    }
    #expect(wrong.isEmpty, "\(wrong.count) of \(gdb.count): \(Array(wrong.prefix(3)))")
  }

  @Test func rustProgram() throws {
    try lab.write(
      """
      mod shop {
        pub struct Order { pub cents: u64 }
        impl Order {
          #[inline(always)] pub fn total(&self) -> u64 { self.cents.wrapping_mul(3) }
          #[inline(never)] pub fn print(&self) { println!("{}", self.total()); }
        }
        pub enum Kind { Small, Large }
        impl Kind { #[inline(never)] pub fn of(x: u64) -> Kind { if x > 9 { Kind::Large } else { Kind::Small } } }
      }
      fn main() {
        let order = shop::Order { cents: std::env::args().count() as u64 };
        let sum: u64 = (0..order.cents).map(|x| x * order.total()).sum();
        if let shop::Kind::Large = shop::Kind::of(sum) { order.print(); }
        order.print();
      }
      """, to: "r.rs")
    try lab.run("rustc", "-O", "-g", "r.rs", "-o", "x")
    try compareWithLLVM { $0.contains("1r4") }
  }

  @Test func swiftProgram() throws {
    try lab.write(
      """
      struct Order { var cents: Int; @inline(__always) func total(_ x: Int) -> Int { cents &* 3 &+ x } }
      @inline(never) func handle(_ orders: [Order]) -> Int {
        orders.map { $0.total(orders.count) }.reduce(0) { $0 &+ $1 }
      }
      print(handle([Order(cents: CommandLine.arguments.count), Order(cents: 2)]))
      """, to: "main.swift")
    try lab.run("swiftc", "-O", "-g", "main.swift", "-o", "x")
    try compareWithLLVM { $0.contains("main") }
  }

  /// gcc has the inner function's entry inside of the outer one's, whose code is elsewhere.
  @Test func functionInAFunction() throws {
    try lab.write(
      """
      int apply(int (*f)(int), int x) { return f(x); }
      int main(int count, char **words) {
        __attribute__((noinline)) int inner(int x) { return x + count; }
        return apply(inner, count);
      }
      """, to: "n.c")
    try lab.run("gcc", "-O1", "-g", "n.c", "-o", "x")
    try compareWithLLVM { $0.hasPrefix("inner") || $0 == "main" || $0 == "apply" }
    let inner = try lab.addresses(in: "x") { $0.hasPrefix("inner") }
    let found = try lab.lines(of: inner, in: "x")
    #expect(inner.allSatisfy { found.places[$0]?.function?.name.hasSuffix("inner") == true })
  }

  /// Names that no linker knows have the scopes that they were written in.
  @Test func namesAreQualified() throws {
    try lab.write(Self.cxx, to: "x.cc")
    try lab.run("g++", "-g", "-O2", "x.cc", "-o", "x")
    let addresses = try lab.addresses(in: "x", where: Self.isOwn)
    let names = Set(
      try lab.lines(of: addresses, in: "x").places.values.flatMap(\.inlined).compactMap(\.function))
    #expect(names.contains("a::b::(anonymous namespace)::odd"), "\(names)")
    #expect(names.contains("int a::b::power<int>(int, int)"))
    #expect(names.contains("a::b::use::(anonymous)::operator()"), "\(names)")
  }

  private func compareWithLLVM(where wanted: (String) -> Bool) throws {
    let addresses = try lab.addresses(in: "x", where: wanted)
    try #require(!addresses.isEmpty)
    let result = try lab.lines(of: addresses, in: "x")
    #expect(result.problems.isEmpty && !result.places.isEmpty)
    compare(
      result.places, with: try LineTruth.llvm(lab.path("x"), addresses), columns: true, names: true)
  }
}
